#include "base/token_bucket.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(TokenBucket, IsFullAtFirstAndEmptyAfterItsCapacity) {
  token_bucket bucket{3, 1, t0};

  EXPECT_TRUE(bucket.full(t0));
  EXPECT_TRUE(bucket.take(3, t0));
  EXPECT_FALSE(bucket.take(1, t0));
  EXPECT_TRUE(bucket.take(0, t0));
}

TEST(TokenBucket, RefillsInProportionToElapsedTime) {
  token_bucket bucket{2, 1, t0};
  ASSERT_TRUE(bucket.take(2, t0));

  EXPECT_FALSE(bucket.take(1, t0 + 1s - 1ns));
  EXPECT_TRUE(bucket.take(1, t0 + 1s));
}

TEST(TokenBucket, NeverHoldsMoreThanItsCapacity) {
  token_bucket bucket{2, 1000, t0};

  EXPECT_FALSE(bucket.take(3, t0 + std::chrono::hours{24 * 365 * 100}));
  EXPECT_EQ(bucket.time_until(3, t0), duration::max());
  EXPECT_EQ(bucket.time_until(2, t0), 0ns);
}

TEST(TokenBucket, TakesTimeThatGoesBackAsNoTime) {
  token_bucket bucket{1, 1, t0};
  ASSERT_TRUE(bucket.take(1, t0));

  EXPECT_FALSE(bucket.take(1, t0 - 5s));
  EXPECT_FALSE(bucket.take(1, t0 + 1s - 1ns));
  EXPECT_TRUE(bucket.take(1, t0 + 1s));
}

TEST(TokenBucket, PaysADebtBeforeItGivesAgain) {
  token_bucket bucket{10, 2, t0};

  bucket.charge(14, t0);

  EXPECT_EQ(bucket.time_until(1, t0), 2500ms);
  EXPECT_FALSE(bucket.take(1, t0 + 2500ms - 1ns));
  EXPECT_TRUE(bucket.take(1, t0 + 2500ms));
}

TEST(TokenBucket, BoundsADebtAndOutlivesAnyNumber) {
  token_bucket bucket{token_bucket::max_tokens, token_bucket::max_tokens, t0};

  for (int i = 0; i < 3; ++i) bucket.charge(~std::uint64_t{0}, t0);

  EXPECT_EQ(bucket.time_until(0, t0), 1s);
  EXPECT_EQ(bucket.time_until(token_bucket::max_tokens, t0), 2s);
  EXPECT_TRUE(bucket.full(t0 + 2s));
}

/// A taker that always takes what is there gets capacity + rate * time, to the token, after days.
TEST(TokenBucket, DriftsByNothingInTenDays) {
  constexpr std::uint64_t rate = 7, capacity = 5;
  token_bucket bucket{capacity, rate, t0};
  std::mt19937_64 random{3};
  std::uint64_t taken = 0;
  auto at = t0;
  const auto end = t0 + std::chrono::hours{240};

  while (at < end) {
    while (bucket.take(1, at)) ++taken;
    // Never long enough to fill it: nothing is lost at the brim.
    at += std::chrono::nanoseconds{random() % 400'000'000};
  }
  while (bucket.take(1, end)) ++taken;

  EXPECT_EQ(taken, capacity + rate * 240 * 3600);
}

/// `time_until` is exact: a take succeeds then, and fails a nanosecond before.
TEST(TokenBucket, SaysToTheNanosecondWhenATakeSucceeds) {
  std::mt19937_64 random{5};
  for (int round = 0; round < 200; ++round) {
    const auto capacity = 1 + random() % (round % 2 == 0 ? 100 : token_bucket::max_tokens);
    const auto rate = 1 + capacity / 1000 + random() % (round % 3 == 0 ? 10 : 20'000'000'000);
    token_bucket bucket{capacity, rate, t0};
    auto at = t0;
    for (int step = 0; step < 50; ++step) {
      if (random() % 4 == 0) bucket.charge(random() % capacity, at);
      const auto n = random() % (capacity + 1);
      const auto wait = bucket.time_until(n, at);
      if (wait > 0ns) {
        ASSERT_FALSE(bucket.take(n, at + wait - 1ns));
      }
      at += wait;
      ASSERT_TRUE(bucket.take(n, at));
      at += std::chrono::nanoseconds{random() % 3'000'000'000};
    }
  }
}

}  // namespace

}  // namespace coppice
