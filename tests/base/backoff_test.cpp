#include "base/backoff.hpp"

#include <gtest/gtest.h>

namespace coppice {

namespace {

constexpr backoff pause{.base = 100ms, .cap = 1s, .jitter = 0.5};

TEST(Backoff, DoublesWithEveryFailureUpToItsCap) {
  EXPECT_EQ(pause.delay(1, 0), 100ms);
  EXPECT_EQ(pause.delay(2, 0), 200ms);
  EXPECT_EQ(pause.delay(4, 0), 800ms);
  EXPECT_EQ(pause.delay(5, 0), 1s);
  EXPECT_EQ(pause.delay(4'000'000'000u, 0), 1s);
}

TEST(Backoff, TakesTheJitterOffTheDelay) { EXPECT_EQ(pause.delay(1, 0.5), 75ms); }

}  // namespace

}  // namespace coppice
