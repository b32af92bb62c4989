#include "scheduler/health/loop_lag.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(LoopLag, ExcusesNothingWhileTheLoopIsAtMost50MsLate) {
  loop_lag lag{25ms};

  EXPECT_EQ(lag.excuse(t0), 0ms);
  EXPECT_EQ(lag.excuse(t0 + 75ms), 0ms);
}

TEST(LoopLag, ExcusesWhatALateTurnTookBeyondThat) {
  loop_lag lag{25ms};
  (void)lag.excuse(t0);

  EXPECT_EQ(lag.excuse(t0 + 76ms), 1ms);
}

TEST(LoopLag, StretchesTimeOutsFourfoldWhileEveryTurnIsLate) {
  loop_lag lag{25ms};
  (void)lag.excuse(t0);

  EXPECT_EQ(lag.excuse(t0 + 400ms), 300ms);
  EXPECT_EQ(lag.excuse(t0 + 800ms), 300ms);
}

TEST(LoopLag, ChargesAtMost200MsOfOneLongSleep) {
  loop_lag lag{25ms};
  (void)lag.excuse(t0);

  EXPECT_EQ(lag.excuse(t0 + 10s), 9800ms);
}

}  // namespace

}  // namespace coppice::scheduler
