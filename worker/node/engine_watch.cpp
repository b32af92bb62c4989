#include "worker/node/engine_watch.hpp"

#include "base/log.hpp"
#include "proto/codec/codec.hpp"
#include "worker/node/engine_process.hpp"
#include "worker/node/progress_watch.hpp"

#include <algorithm>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>

namespace coppice::worker {

namespace {

constexpr int progress_period_ms = 100;
constexpr duration stop_limit = 1500ms;
constexpr std::size_t kept_words = 8192;
constexpr std::size_t max_report_bytes = 1 << 20;

/// Appends what is there to read. @returns false at the end of the stream.
bool read_all(int fd, std::string& out) {
  char part[4096];
  for (;;) {
    const auto n = ::read(fd, part, sizeof part);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    out.append(part, static_cast<std::size_t>(n));
  }
}

/// Takes one frame (4-byte big-endian length, msgpack) from the front of `buffer`.
bool take_frame(std::string& buffer, std::string& frame) {
  if (buffer.size() < 4) return false;
  std::size_t size = 0;
  for (int i = 0; i < 4; ++i)
    size = (size << 8) | static_cast<unsigned char>(buffer[static_cast<std::size_t>(i)]);
  if (buffer.size() < size + 4) return false;
  frame = buffer.substr(4, size);
  buffer.erase(0, size + 4);
  return true;
}

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of("\n");
  if (end == std::string::npos) return {};
  const auto begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin + 1) + 1);
}

}  // namespace

/// The state of one watched process.
struct engine_watch::running {
  engine_process process;
  std::string control, words, line;
  progress_watch progress;
  std::string failed;
  bool hung = false;
  steady_time kill_at = steady_time::max();
};

engine_watch::engine_watch(std::string name, std::vector<std::string> command, duration hang_after,
                           engine_events events)
    : name_{std::move(name)},
      command_{std::move(command)},
      hang_after_{hang_after},
      events_{std::move(events)},
      stop_{::eventfd(0, EFD_CLOEXEC)},
      thread_{[this] { run(); }} {}

engine_watch::~engine_watch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void engine_watch::run() {
  auto process = engine_process::start(command_);
  if (!process) return events_.ended({process.error().message, {}, false});
  running it{std::move(*process), {}, {}, {}, {}, {}};
  events_.started(it.process.pid());
  watch(it);
  end(it);
}

void engine_watch::watch(running& it) {
  pollfd fds[] = {{it.process.exit_fd(), POLLIN, 0},
                  {it.process.control_fd(), POLLIN, 0},
                  {it.process.error_fd(), POLLIN, 0},
                  {stop_.get(), POLLIN, 0}};
  for (;;) {
    ::poll(fds, 4, progress_period_ms);
    const auto at = now();
    if (fds[2].revents != 0 && !read_all(it.process.error_fd(), it.words)) fds[2].fd = -1;
    if (it.words.size() > kept_words) it.words.erase(0, it.words.size() - kept_words);
    if (fds[1].revents != 0 && !read_all(it.process.control_fd(), it.control)) fds[1].fd = -1;
    for (std::string frame; take_frame(it.control, frame);)
      if (auto report = proto::decode<proto::engine_report>(frame, max_report_bytes)) {
        if (report->op == "failed") it.failed = report->text;
        events_.report(std::move(*report));
      }
    if (fds[0].revents != 0) return;
    if (fds[3].revents != 0) {
      it.process.signal(SIGTERM);
      it.kill_at = at + stop_limit;
      fds[3].fd = -1;
    }
    if (!it.hung && it.progress.hangs(it.process.page(), hang_after_, at)) {
      it.hung = true;
      it.process.signal(SIGKILL);
    }
    if (at >= it.kill_at) it.process.signal(SIGKILL);
  }
}

void engine_watch::end(running& it) {
  engine_exit out;
  for (const auto id : attempts_in_progress(it.process.page())) out.suspects.push_back({id});
  out.reason = it.process.reap();
  out.hung = it.hung;
  (void)read_all(it.process.error_fd(), it.words);
  if (it.hung) out.reason = "made no progress in one step and was killed";
  const auto said = it.failed.empty() ? last_line(it.words) : it.failed;
  if (!said.empty()) out.reason += ": " + said;
  events_.ended(std::move(out));
}

}  // namespace coppice::worker
