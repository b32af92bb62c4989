#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::worker {

/// Why an engine process ended, as `engine_down.cause` names it.
enum class exit_cause : std::uint8_t {
  crash,    ///< a signal of its own making
  exit,     ///< a status other than 0
  memory,   ///< the kernel killed it for want of memory
  hang,     ///< its worker killed it because it made no progress
  killed,   ///< somebody else ended it
  stopped,  ///< its worker asked it to stop
};

/// All that is known when an engine has ended.
struct exit_evidence {
  /// As waitpid gives it.
  int wait_status = 0;
  /// The worker killed it because it stood still.
  bool hung = false;
  /// It was halted by a signal (SIGSTOP) when it stood still: that comes from outside.
  bool frozen = false;
  /// The worker asked it to stop.
  bool asked = false;
  /// The kernel has just killed something in its control group for want of memory.
  bool out_of_memory = false;
};

/// The one place that decides. A signal of its own making or a status of its own counts whatever
/// else is known, for the worker sends neither; what a SIGKILL means depends on who sent it.
/// Status 0 without being asked is an engine that somebody else sent SIGTERM.
[[nodiscard]] exit_cause judge_exit(const exit_evidence& evidence) noexcept;

/// As in `engine_down.cause`: "crash".
[[nodiscard]] std::string_view cause_name(exit_cause cause) noexcept;

/// Whether the attempts that were running are suspects.
[[nodiscard]] bool blames_suspects(exit_cause cause) noexcept;

/// A clause: "was killed by signal 11 (SIGSEGV)", "exited with status 3".
[[nodiscard]] std::string describe_exit(const exit_evidence& evidence);

}  // namespace coppice::worker
