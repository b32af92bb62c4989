#include "scheduler/health/slow_start.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

const steady_time t0{};

TEST(SlowStart, DoublesItsShareEveryStepAndEndsAfterTheFourth) {
  slow_start engine{2s, t0};
  std::vector<std::uint32_t> shares;

  for (auto at = t0; at <= t0 + 8s; at += 2s) {
    engine.turn(false, at);
    shares.push_back(engine.percent());
  }

  EXPECT_EQ(shares, (std::vector<std::uint32_t>{10, 20, 40, 80, 100}));
  EXPECT_TRUE(engine.over());
}

TEST(SlowStart, TakesTheNextStepAtItsTimeAndNotBefore) {
  slow_start engine{2s, t0};

  engine.turn(false, t0 + 1999ms);
  EXPECT_EQ(engine.percent(), 10u);

  engine.turn(false, t0 + 2s);
  EXPECT_EQ(engine.percent(), 20u);
}

TEST(SlowStart, BeginsAStepAgainInWhichSomethingBadIsSeen) {
  slow_start engine{2s, t0};

  engine.turn(true, t0 + 1s);
  engine.turn(false, t0 + 2999ms);
  EXPECT_EQ(engine.percent(), 10u);

  engine.turn(false, t0 + 3s);
  EXPECT_EQ(engine.percent(), 20u);
}

TEST(SlowStart, CatchesUpAfterALateTurn) {
  slow_start engine{2s, t0};

  engine.turn(false, t0 + 5s);

  EXPECT_EQ(engine.percent(), 40u);
}

}  // namespace

}  // namespace coppice::scheduler
