#include "base/stop_signal.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <unistd.h>

namespace coppice {

namespace {

TEST(StopSignal, WaitsForInterruptOrTermInsteadOfDying) {
  block_stop_signals();
  for (const int each : {SIGTERM, SIGINT}) {
    ::kill(::getpid(), each);
    EXPECT_EQ(wait_for_stop_signal(), each);
  }
}

TEST(StopSignal, IsWaitedForNoLongerThanTheLimit) {
  block_stop_signals();
  EXPECT_EQ(wait_for_stop_signal(1ms), std::nullopt);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(wait_for_stop_signal(1h), SIGTERM);
}

}  // namespace

}  // namespace coppice
