#include "worker/engine/control_pipe.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "proto/codec/codec.hpp"

namespace coppice::worker {

control_pipe::~control_pipe() {
  if (fd_ >= 0) ::close(fd_);
}

bool control_pipe::send(const proto::engine_report& report) {
  if (fd_ < 0) return true;
  std::string frame(4, '\0');
  proto::encode(report, frame);
  const auto size = frame.size() - 4;
  for (int i = 0; i < 4; ++i)
    frame[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * (3 - i)));
  for (std::size_t sent = 0; sent < frame.size();) {
    const auto n = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace coppice::worker
