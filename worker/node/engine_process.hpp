#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "worker/engine/progress_page.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace coppice::worker {

/// Memory for what the engines of a node learn of their steps (`step_times`). No descriptor if the
/// system gives none: then each engine learns by itself.
using shared_step_times = std::shared_ptr<const descriptor>;
[[nodiscard]] shared_step_times make_step_times();

/// What an engine is started with. Descriptors are its owner's and outlive the start.
struct engine_start {
  /// Program and arguments; the options that name descriptors are added.
  std::vector<std::string> command;
  /// `step_times` that the node's engines share; -1: none.
  int times = -1;
  /// Files of models, which it gets as `verified_models::first_descriptor` and the following.
  std::vector<int> files = {};
  /// Called before each start; an error keeps it from starting. Empty: nothing to look at.
  std::function<expected<void>()> look_first = {};
  /// The user and group that it becomes; none: those of the worker.
  std::optional<std::pair<uid_t, gid_t>> user = {};
  /// Most bytes of memory that it may write, and most tasks of its user; 0: no limit.
  std::uint64_t memory_bytes = 0;
  std::uint64_t tasks = 0;
};

/// One started engine process: its pidfd, its control socket, the page shared with it and its
/// standard error. The destructor kills and reaps it. It also dies with the thread that started
/// it (PR_SET_PDEATHSIG), so that thread must live as long as this.
class engine_process {
 public:
  /// @error `unavailable` with the system's reason.
  static expected<engine_process> start(const engine_start& how);

  engine_process(engine_process&&) noexcept;
  engine_process& operator=(engine_process&&) = delete;
  ~engine_process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable once the process has ended.
  [[nodiscard]] int exit_fd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] int control_fd() const noexcept { return control_.get(); }
  [[nodiscard]] int error_fd() const noexcept { return error_.get(); }
  [[nodiscard]] const progress_page& page() const noexcept { return *page_; }

  void signal(int number) const;
  /// Whether it is halted by a signal (SIGSTOP) now.
  [[nodiscard]] bool is_halted() const;
  /// Reaps the ended process. @returns its status as waitpid gives it.
  int reap();

 private:
  engine_process() = default;

  pid_t pid_ = -1;
  descriptor pidfd_, control_, error_;
  progress_page* page_ = nullptr;
};

}  // namespace coppice::worker
