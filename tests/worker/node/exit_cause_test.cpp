#include "worker/node/exit_cause.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace coppice::worker {

namespace {

/// As Linux encodes them for waitpid.
constexpr int by_signal(int number) { return number; }
constexpr int with_status(int number) { return number << 8; }
constexpr int core_dumped = 0x80;

TEST(ExitCause, ASignalOfItsOwnMakingIsACrash) {
  for (const int number :
       {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGXCPU, SIGXFSZ}) {
    EXPECT_EQ(judge_exit({by_signal(number)}), exit_cause::crash) << number;
    EXPECT_EQ(judge_exit({by_signal(number) | core_dumped}), exit_cause::crash) << number;
  }
}

TEST(ExitCause, ACrashStaysACrashWhileItIsStoppedOrStandsStill) {
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGSEGV), .asked = true}), exit_cause::crash);
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGSEGV), .hung = true}), exit_cause::crash);
}

TEST(ExitCause, AStatusOtherThanZeroIsAnExit) {
  EXPECT_EQ(judge_exit({with_status(1)}), exit_cause::exit);
  EXPECT_EQ(judge_exit({with_status(255)}), exit_cause::exit);
}

TEST(ExitCause, StatusZeroBlamesNobody) {
  EXPECT_EQ(judge_exit({with_status(0)}), exit_cause::killed);
  EXPECT_EQ(judge_exit({.wait_status = with_status(0), .asked = true}), exit_cause::stopped);
}

TEST(ExitCause, ASignalFromOutsideIsNobodysFault) {
  for (const int number : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1})
    EXPECT_EQ(judge_exit({by_signal(number)}), exit_cause::killed) << number;
}

TEST(ExitCause, ASigkillOfTheKernelForWantOfMemoryIsMemory) {
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGKILL), .out_of_memory = true}),
            exit_cause::memory);
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGTERM), .out_of_memory = true}),
            exit_cause::killed);
}

TEST(ExitCause, ASigkillOfItsWorkerIsAHangOrAStop) {
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGKILL), .hung = true}), exit_cause::hang);
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGKILL), .asked = true}), exit_cause::stopped);
  EXPECT_EQ(judge_exit({.wait_status = by_signal(SIGTERM), .asked = true}), exit_cause::stopped);
}

TEST(ExitCause, AnEngineThatWasFrozenFromOutsideHangsWithoutBlame) {
  const exit_evidence frozen{.wait_status = by_signal(SIGKILL), .hung = true, .frozen = true};

  EXPECT_EQ(judge_exit(frozen), exit_cause::killed);
  EXPECT_FALSE(blames_suspects(judge_exit(frozen)));
}

TEST(ExitCause, OnlyWhatAnEngineDidItselfBlamesItsSuspects) {
  for (const auto cause :
       {exit_cause::crash, exit_cause::exit, exit_cause::memory, exit_cause::hang})
    EXPECT_TRUE(blames_suspects(cause)) << cause_name(cause);
  for (const auto cause : {exit_cause::killed, exit_cause::stopped})
    EXPECT_FALSE(blames_suspects(cause)) << cause_name(cause);
}

TEST(ExitCause, SaysHowTheProcessEnded) {
  EXPECT_EQ(describe_exit({by_signal(SIGSEGV) | core_dumped}), "was killed by signal 11 (SIGSEGV)");
  EXPECT_EQ(describe_exit({with_status(3)}), "exited with status 3");
  EXPECT_EQ(describe_exit({.wait_status = by_signal(SIGKILL), .out_of_memory = true}),
            "was killed by the kernel for want of memory (SIGKILL)");
}

}  // namespace

}  // namespace coppice::worker
