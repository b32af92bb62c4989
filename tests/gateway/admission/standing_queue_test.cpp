#include "gateway/admission/standing_queue.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};
constexpr duration target = 10ms;

/// Rows that left a millisecond apart, each after `wait`.
void run(standing_queue& queue, duration wait, steady_time from, int rows) {
  for (int i = 0; i < rows; ++i) queue.left(wait, target, from + i * 1ms);
}

struct StandingQueue : ::testing::Test {
  standing_queue queue;
  StandingQueue() { queue.left(0ms, target, t0); }
};

TEST_F(StandingQueue, StandsOnceTheLeastWaitOf100MillisecondsWasAboveTheTarget) {
  run(queue, target + 1ns, t0 + 1ms, 99);
  EXPECT_FALSE(queue.stands());

  queue.left(target + 1ns, target, t0 + 100ms);
  EXPECT_TRUE(queue.stands());
}

TEST_F(StandingQueue, DoesNotStandWhileOneRowInAWindowWaitsNoLongerThanTheTarget) {
  run(queue, 1s, t0 + 1ms, 50);
  queue.left(target, target, t0 + 51ms);
  run(queue, 1s, t0 + 52ms, 49);

  EXPECT_FALSE(queue.stands());
}

TEST_F(StandingQueue, StandsWhileArrivalsAreRefusedAndAWindowLonger) {
  run(queue, 1s, t0 + 1ms, 100);
  ASSERT_TRUE(queue.stands());

  queue.refused();
  run(queue, 1ms, t0 + 101ms, 100);
  EXPECT_TRUE(queue.stands());
  run(queue, 1ms, t0 + 201ms, 100);
  EXPECT_FALSE(queue.stands());
}

}  // namespace

}  // namespace coppice::gateway
