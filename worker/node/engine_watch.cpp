#include "worker/node/engine_watch.hpp"

#include "base/cut_text.hpp"
#include "proto/codec/codec.hpp"
#include "worker/node/load_watch.hpp"
#include "worker/node/memory_kills.hpp"

#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>

namespace coppice::worker {

namespace {

/// Between two looks at the page; a hang is found within two of them.
constexpr duration look_period = 50ms;
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
  running(engine_process started, hang_limits limits)
      : process{std::move(started)}, progress{limits}, load{limits} {}

  engine_process process;
  progress_watch progress;
  load_watch load;
  memory_kills kills;
  std::string kills_file;
  std::string control, words;
  std::string failed;
  std::optional<standstill> hang;
  bool frozen = false, asked = false, serving = false, quiet = false;
  steady_time next_look{};
  steady_time kill_at = steady_time::max();
};

engine_watch::engine_watch(engine_start how, hang_limits limits, engine_events events)
    : how_{std::move(how)},
      limits_{limits},
      events_{std::move(events)},
      stop_{::eventfd(0, EFD_CLOEXEC)},
      thread_{[this] { run(); }} {}

engine_watch::~engine_watch() {
  stop();
  thread_.join();
}

void engine_watch::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_.get(), &one, sizeof one);
}

void engine_watch::run() {
  auto process = engine_process::start(how_);
  if (!process) return events_.ended({exit_cause::exit, process.error().message, {}, false});
  running it{std::move(*process), limits_};
  events_.started(it.process.pid());
  watch(it);
  end(it);
}

void engine_watch::watch(running& it) {
  pollfd fds[] = {{it.process.exit_fd(), POLLIN, 0},
                  {it.process.control_fd(), POLLIN, 0},
                  {it.process.error_fd(), POLLIN, 0},
                  {stop_.get(), POLLIN, 0}};
  // An engine stays where its worker is; once it is being killed it no longer shows its group.
  it.kills_file = memory_kills_file_of(it.process.pid());
  look(it, now());
  for (;;) {
    ::poll(fds, 4, static_cast<int>(look_period / 1ms));
    const auto at = now();
    if (fds[2].revents != 0 && !read_all(it.process.error_fd(), it.words)) fds[2].fd = -1;
    if (it.words.size() > kept_words) it.words.erase(0, it.words.size() - kept_words);
    if (fds[1].revents != 0 && !read_all(it.process.control_fd(), it.control)) fds[1].fd = -1;
    take_reports(it);
    if (fds[0].revents != 0) return;
    if (fds[3].revents != 0) {
      it.process.signal(SIGTERM);
      it.asked = true;
      it.kill_at = at + stop_limit;
      fds[3].fd = -1;
    }
    if (at >= it.next_look) look(it, at);
    if (at >= it.kill_at) it.process.signal(SIGKILL);
  }
}

void engine_watch::take_reports(running& it) {
  for (std::string frame; take_frame(it.control, frame);)
    if (auto report = proto::decode<proto::engine_report>(frame, max_report_bytes)) {
      if (report->op == "loading") it.load.begun(report->text, report->bytes);
      if (report->op == "failed") it.failed = report->text;
      if (report->op == "ready") it.serving = true;
      events_.report(std::move(*report));
    }
}

void engine_watch::look(running& it, steady_time at) {
  it.next_look = at + look_period;
  it.kills.see(read_memory_kills(it.kills_file), at);
  auto found = it.progress.look(it.process.page(), it.serving && !it.asked, at);
  if (it.progress.quiet() != it.quiet) events_.quiet(it.quiet = it.progress.quiet());
  if (!it.serving && !it.asked) found = it.load.look(at);
  if (!found || it.hang) return;
  it.hang = found;
  it.frozen = it.process.is_halted();
  it.process.signal(SIGKILL);
}

void engine_watch::end(running& it) {
  const auto at = now();
  it.kills.see(read_memory_kills(it.kills_file), at);
  engine_exit out;
  for (const auto id : attempts_in_progress(it.process.page())) out.suspects.push_back({id});
  const exit_evidence evidence{it.process.reap(), it.hang.has_value(), it.frozen, it.asked,
                               it.kills.just_grew(at)};
  out.wait_status = evidence.wait_status;
  out.cause = judge_exit(evidence);
  out.hung = it.hang.has_value();
  out.reason = describe_exit(evidence);
  if (it.hang && out.cause == exit_cause::hang) out.reason = describe(*it.hang) + " and was killed";
  if (it.frozen && out.cause == exit_cause::killed)
    out.reason = "was frozen from outside (SIGSTOP) and was killed";
  (void)read_all(it.process.error_fd(), it.words);
  const auto said = it.failed.empty() ? last_line(it.words) : it.failed;
  if (!said.empty()) out.reason += ": " + said;
  out.reason = cut_text(std::move(out.reason), engine_exit::max_reason);
  events_.ended(std::move(out));
}

}  // namespace coppice::worker
