#pragma once

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "proto/messages/control.hpp"
#include "worker/node/engine_process.hpp"
#include "worker/node/exit_cause.hpp"
#include "worker/node/progress_watch.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace coppice::worker {

/// How an engine ended.
struct engine_exit {
  exit_cause cause = exit_cause::exit;
  /// A clause: "was killed by signal 9 (SIGKILL)", with its last words if it had any; at most
  /// `max_reason` bytes.
  std::string reason;
  /// Attempts of the steps that were in progress.
  std::vector<attempt_id> suspects;
  /// It stood still and was killed for it.
  bool hung = false;
  /// As waitpid gives it.
  int wait_status = 0;

  static constexpr std::size_t max_reason = 240;
};

/// Called on the watch's thread.
struct engine_events {
  std::function<void(std::int64_t pid)> started;
  std::function<void(proto::engine_report)> report;
  /// Whether the engine has nothing open now; told on change, first true.
  std::function<void(bool quiet)> quiet;
  std::function<void(engine_exit)> ended;
};

/// One engine process from start to end, on a thread of its own that sleeps in poll: its exit
/// (pidfd), its reports, its standard error, its progress.
class engine_watch {
 public:
  /// Starts the process.
  engine_watch(engine_start how, hang_limits limits, engine_events events);
  /// Stops the process and waits for its end.
  ~engine_watch();
  engine_watch(const engine_watch&) = delete;
  engine_watch& operator=(const engine_watch&) = delete;

  /// Asks the process to end and returns at once: SIGTERM, SIGKILL 1.5 s later. `ended` follows.
  void stop();

 private:
  struct running;
  void run();
  void watch(running& it);
  void take_reports(running& it);
  void look(running& it, steady_time at);
  void end(running& it);

  engine_start how_;
  hang_limits limits_;
  engine_events events_;
  descriptor stop_;
  std::thread thread_;
};

}  // namespace coppice::worker
