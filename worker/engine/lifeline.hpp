#pragma once

#include "worker/engine/wakeup.hpp"

#include <atomic>

namespace coppice::worker {

/// What ends an engine from outside, watched by a thread of its own, so that neither a model that
/// loads for minutes nor a step that hangs keeps the process alive:
///   the worker's end of the control socket closes: `_exit(0)` at once
///   SIGTERM: `_exit(0)` while loading, afterwards `stop_fd` becomes readable
/// SIGINT is ignored: the worker decides. Make it first in `main`; it lives as long as the process.
class lifeline {
 public:
  /// Blocks SIGTERM for this thread and all it starts later. @param control_fd  -1: none.
  explicit lifeline(int control_fd);
  lifeline(const lifeline&) = delete;
  lifeline& operator=(const lifeline&) = delete;

  /// The engine is ready: from now on SIGTERM asks it to drain.
  void loaded() noexcept { loading_ = false; }
  [[nodiscard]] int stop_fd() const noexcept { return stop_.fd(); }

 private:
  [[noreturn]] void watch() const;

  int control_fd_;
  int signal_fd_;
  std::atomic<bool> loading_{true};
  wakeup stop_;
};

}  // namespace coppice::worker
