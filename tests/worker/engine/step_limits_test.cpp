#include "worker/engine/step_limits.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::worker {

namespace {

constexpr step_size one_row{1, 100};

step_limits after(std::uint32_t steps, duration each, step_size size = one_row) {
  step_limits limits;
  for (std::uint32_t i = 0; i < steps; ++i) limits.record(size, each);
  return limits;
}

batch_item an_item(std::uint32_t rows, std::size_t bytes) {
  static const std::vector<std::byte> zeros(4096);
  batch_item item;
  item.rows = rows;
  item.inputs.push_back({"x", datatype::uint8, {}, std::span{zeros}.first(bytes), {}});
  return item;
}

TEST(StepLimits, TrustNoSizeBeforeEnoughOfItsStepsHaveEnded) {
  EXPECT_EQ(after(step_limits::trusted_after - 1, 1ms).limit(one_row), 0s);
  EXPECT_EQ(after(step_limits::trusted_after, 1ms).limit(one_row), 1s);
}

TEST(StepLimits, AreNeverBelowASecond) { EXPECT_EQ(after(1000, 300ms).limit(one_row), 1s); }

TEST(StepLimits, AreThreeTimesWhatAlmostAllStepsTake) {
  const auto limit = after(1000, 2s).limit(one_row);

  EXPECT_EQ(limit, 6s);
}

TEST(StepLimits, PassOverOneStepInAHundredButNeverFallBelowTheLongest) {
  auto limits = after(198, 1s);
  limits.record(one_row, 10s);
  limits.record(one_row, 10s);

  EXPECT_EQ(limits.limit(one_row), 15s);  // 1.5 times the longest, not 3 times

  limits.record(one_row, 10s);
  EXPECT_EQ(limits.limit(one_row), 30s);  // now more than one in a hundred took that long
}

TEST(StepLimits, JudgeASizeByItsOwnStepsOnly) {
  auto limits = after(100, 1ms, {1, 100});

  EXPECT_EQ(limits.limit({1, 127}), 1s);  // the same power of two
  EXPECT_EQ(limits.limit({1, 128}), 0s);
  EXPECT_EQ(limits.limit({2, 100}), 0s);
}

TEST(StepLimits, OfAModelThatIsNotSteadyAreNotKnown) {
  step_limits limits{false};
  for (int i = 0; i < 1000; ++i) limits.record(one_row, 1ms);

  EXPECT_EQ(limits.limit(one_row), 0s);
}

TEST(StepLimits, AreKnownForABoundedNumberOfSizes) {
  step_limits limits;
  for (std::uint32_t rows = 0; rows < 8; ++rows)
    for (std::uint32_t bytes = 0; bytes < 9; ++bytes)
      for (std::uint32_t i = 0; i < step_limits::trusted_after; ++i)
        limits.record({1u << rows, 1ull << bytes}, 1ms);

  EXPECT_EQ(limits.limit({1, 1}), 1s);
  EXPECT_EQ(limits.limit({1u << 7, 1ull << 8}), 0s);
}

TEST(StepLimits, NeverKillAStepThatIsNoLongerThanOneThatEnded) {
  std::minstd_rand draws{7};
  std::lognormal_distribution<double> seconds{-1, 1.5};
  step_limits limits;
  duration longest{0};
  for (int i = 0; i < 20'000; ++i) {
    const auto took = std::chrono::duration_cast<duration>(
        std::chrono::duration<double>{std::min(seconds(draws), 3000.0)});
    if (i >= 50) {
      ASSERT_GE(limits.limit(one_row), std::max<duration>(longest, 1s)) << i;
    }
    limits.record(one_row, took);
    longest = std::max(longest, took);
  }
}

TEST(StepLimits, CountBytesAsPaddingMakesThem) {
  const batch_item items[] = {an_item(1, 1000), an_item(3, 30)};

  const auto size = size_of(items);

  EXPECT_EQ(size.rows, 4u);
  EXPECT_EQ(size.bytes, 4000u);
}

}  // namespace

}  // namespace coppice::worker
