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

}  // namespace

}  // namespace coppice
