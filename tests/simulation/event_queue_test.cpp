#include "tests/simulation/event_queue.hpp"

#include "tests/simulation/draws.hpp"
#include "tests/simulation/skewed_clock.hpp"

#include <gtest/gtest.h>

namespace coppice::simulation {

namespace {

TEST(EventQueue, GivesTheEarliestAndOfOneMomentTheFirstAdded) {
  event_queue queue;
  queue.add(2ms, event_kind::wake, 1);
  queue.add(1ms, event_kind::wake, 2);
  queue.add(1ms, event_kind::wake, 3);

  EXPECT_EQ(queue.take().target, 2u);
  EXPECT_EQ(queue.take().target, 3u);
  EXPECT_EQ(queue.now(), 1ms);
  EXPECT_EQ(queue.take().target, 1u);
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, NothingHappensInThePast) {
  event_queue queue;
  queue.add(5ms, event_kind::wake, 1);
  (void)queue.take();

  queue.add(1ms, event_kind::wake, 2);

  EXPECT_EQ(queue.take().at, duration{5ms});
}

TEST(SkewedClock, ShowsATimeNoEarlierThanAskedForAndNotMuchLater) {
  draws random{1};
  for (int i = 0; i < 10'000; ++i) {
    const skewed_clock clock{random.spread(1s, 1000h), random.between(-100, 100)};
    const auto wanted = clock.at(duration{0}) + random.between(duration{0}, duration{100s});

    const auto at = clock.when(wanted);

    ASSERT_GE(clock.at(at), wanted);
    if (at > duration{0}) {
      ASSERT_LT(clock.at(at - duration{1}), wanted);
    }
  }
}

TEST(SkewedClock, WhatWasBeforeTheRunIsDueAtOnceAndWhatNeverComesIsBeyondIt) {
  const skewed_clock clock{duration{1h} - duration{2h}, 50};

  EXPECT_EQ(clock.when(steady_time::min()), duration{0});
  EXPECT_GE(clock.when(steady_time::max()), duration{100h});
}

TEST(Draws, AreEqualForEqualSeedsAndIndependentInForks) {
  draws one{7}, other{7};
  auto fork = one.fork(1);
  (void)fork.bits();

  EXPECT_EQ(one.bits(), other.bits());
  EXPECT_NE(draws{7}.fork(1).bits(), draws{7}.fork(2).bits());
}

TEST(Draws, StayInTheirBounds) {
  draws random{3};
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_LT(random.below(7), 7u);
    const auto between = random.between(-3, 3);
    ASSERT_TRUE(between >= -3 && between <= 3);
    const auto spread = random.spread(10ms, 3s);
    ASSERT_TRUE(spread >= 10ms && spread <= 3s);
    sum += std::chrono::duration<double>(random.around(1s)).count();
  }
  EXPECT_NEAR(sum / 100'000, 1.0, 0.01);
}

}  // namespace

}  // namespace coppice::simulation
