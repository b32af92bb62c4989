#include "scheduler/health/loop_lag.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(LoopLag, LeavesTheLimitAloneWhileTheLoopIsOnTime) {
  loop_lag lag{50ms};

  EXPECT_EQ(lag.stretch(500ms, t0), 500ms);
  EXPECT_EQ(lag.stretch(500ms, t0 + 100ms), 500ms);
}

TEST(LoopLag, StretchesTheLimitWithItsOwnLateness) {
  loop_lag lag{50ms};
  (void)lag.stretch(500ms, t0);

  EXPECT_EQ(lag.stretch(500ms, t0 + 150ms), 1500ms);
}

TEST(LoopLag, StretchesAtMostFourfold) {
  loop_lag lag{50ms};
  (void)lag.stretch(500ms, t0);

  EXPECT_EQ(lag.stretch(500ms, t0 + 10s), 2s);
}

}  // namespace

}  // namespace coppice::scheduler
