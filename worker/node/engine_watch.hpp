#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "worker/node/descriptor.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace coppice::worker {

/// How an engine ended.
struct engine_exit {
  /// A clause: "was killed by signal 9 (SIGKILL)", with its last words if it had any.
  std::string reason;
  std::vector<attempt_id> suspects;
  bool hung = false;
};

/// Called on the watch's thread.
struct engine_events {
  std::function<void(std::int64_t pid)> started;
  std::function<void(proto::engine_report)> report;
  std::function<void(engine_exit)> ended;
};

/// One engine process from start to end, on a thread of its own that sleeps in poll: its exit
/// (pidfd), its reports, its standard error, its progress.
class engine_watch {
 public:
  /// Starts the process. @param name  for log lines. @param hang_after  one step may take so long.
  engine_watch(std::string name, std::vector<std::string> command, duration hang_after,
               engine_events events);
  /// Ends the process: SIGTERM, SIGKILL 1.5 s later.
  ~engine_watch();
  engine_watch(const engine_watch&) = delete;
  engine_watch& operator=(const engine_watch&) = delete;

 private:
  struct running;
  void run();
  void watch(running& it);
  void end(running& it);

  std::string name_;
  std::vector<std::string> command_;
  duration hang_after_;
  engine_events events_;
  descriptor stop_;
  std::thread thread_;
};

}  // namespace coppice::worker
