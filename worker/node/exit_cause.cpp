#include "worker/node/exit_cause.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <sys/wait.h>

namespace coppice::worker {

namespace {

/// What a process brings upon itself: bad memory access, abort, a forbidden call, its own limits.
constexpr std::array crash_signals{SIGSEGV, SIGABRT, SIGBUS,  SIGILL, SIGFPE,
                                   SIGTRAP, SIGSYS,  SIGXCPU, SIGXFSZ};

bool crashed(int signal) { return std::ranges::find(crash_signals, signal) != crash_signals.end(); }

bool killed_by(const exit_evidence& evidence, int signal) {
  return WIFSIGNALED(evidence.wait_status) && WTERMSIG(evidence.wait_status) == signal;
}

}  // namespace

exit_cause judge_exit(const exit_evidence& evidence) noexcept {
  const auto status = evidence.wait_status;
  if (WIFSIGNALED(status) && crashed(WTERMSIG(status))) return exit_cause::crash;
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return exit_cause::exit;
  if (killed_by(evidence, SIGKILL)) {
    if (evidence.hung) return evidence.frozen ? exit_cause::killed : exit_cause::hang;
    if (evidence.asked) return exit_cause::stopped;
    if (evidence.out_of_memory) return exit_cause::memory;
  }
  return evidence.asked ? exit_cause::stopped : exit_cause::killed;
}

std::string_view cause_name(exit_cause cause) noexcept {
  constexpr std::string_view names[] = {"crash", "exit", "memory", "hang", "killed", "stopped"};
  return names[static_cast<std::size_t>(cause)];
}

bool blames_suspects(exit_cause cause) noexcept {
  return cause != exit_cause::killed && cause != exit_cause::stopped;
}

std::string describe_exit(const exit_evidence& evidence) {
  if (judge_exit(evidence) == exit_cause::memory)
    return "was killed by the kernel for want of memory (SIGKILL)";
  const auto status = evidence.wait_status;
  if (!WIFSIGNALED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  const auto number = WTERMSIG(status);
  const char* name = ::sigabbrev_np(number);
  return "was killed by signal " + std::to_string(number) + " (SIG" +
         (name != nullptr ? name : "?") + ")";
}

}  // namespace coppice::worker
