#include "worker/engine/control_pipe.hpp"

#include "proto/codec/codec.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace coppice::worker {

control_pipe::~control_pipe() {
  if (fd_ >= 0) ::close(fd_);
}

void control_pipe::put_in_frame(const proto::engine_report& report) {
  frame_.assign(4, '\0');
  sent_ = 0;
  proto::encode(report, frame_);
  const auto size = frame_.size() - 4;
  for (std::size_t i = 0; i < 4; ++i) frame_[i] = static_cast<char>(size >> (8 * (3 - i)));
}

bool control_pipe::flush(int flags) {
  while (sent_ < frame_.size()) {
    const auto n = ::send(fd_, frame_.data() + sent_, frame_.size() - sent_, MSG_NOSIGNAL | flags);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent_ += static_cast<std::size_t>(n);
  }
  return true;
}

bool control_pipe::send(const proto::engine_report& report) {
  if (fd_ < 0) return true;
  if (!flush(0)) return false;
  put_in_frame(report);
  return flush(0);
}

void control_pipe::offer(const proto::engine_report& report) {
  if (fd_ < 0 || !flush(MSG_DONTWAIT)) return;
  put_in_frame(report);
  flush(MSG_DONTWAIT);
}

}  // namespace coppice::worker
