#include "worker/engine/step_limits.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace coppice::worker {

namespace {

constexpr step_size one_row{1, 100};

batch_item an_item(std::uint32_t rows, std::size_t bytes) {
  static const std::vector<std::byte> zeros(4096);
  batch_item item;
  item.rows = rows;
  item.inputs.push_back({"x", datatype::uint8, {}, std::span{zeros}.first(bytes), {}});
  return item;
}

struct StepLimits : ::testing::Test {
  static constexpr std::uint64_t model = 77;
  std::unique_ptr<step_times> node = std::make_unique<step_times>();
  step_limits limits{*node, model};

  void end(std::uint32_t steps, duration each, step_size size = one_row) {
    for (std::uint32_t i = 0; i < steps; ++i) limits.record(size, each);
  }
};

TEST_F(StepLimits, TrustNoSizeBeforeEnoughOfItsStepsHaveEnded) {
  end(step_limits::trusted_after - 1, 20ms);
  EXPECT_EQ(limits.limit(one_row), 0s);

  end(1, 20ms);
  EXPECT_EQ(limits.limit(one_row), 1s);
}

TEST_F(StepLimits, TrustAFewStepsThatWereFarFromTheFloor) {
  end(step_limits::quick_trusted_after - 1, 19ms);
  EXPECT_EQ(limits.limit(one_row), 0s);

  end(1, 19ms);
  EXPECT_EQ(limits.limit(one_row), 1s);

  end(1, 20ms);
  EXPECT_EQ(limits.limit(one_row), 0s);
}

TEST_F(StepLimits, AreKnownToAnInstanceThatStartsWhenItsSiblingsHaveLearned) {
  end(1000, 2s);

  EXPECT_EQ((step_limits{*node, model}.limit(one_row)), 6s);
  EXPECT_EQ((step_limits{*node, model + 1}.limit(one_row)), 0s) << "of another model";
}

TEST_F(StepLimits, AreNeverBelowASecond) {
  end(1000, 300ms);

  EXPECT_EQ(limits.limit(one_row), 1s);
}

TEST_F(StepLimits, AreThreeTimesWhatAlmostAllStepsTake) {
  end(1000, 2s);

  EXPECT_EQ(limits.limit(one_row), 6s);
}

TEST_F(StepLimits, PassOverOneStepInAHundredButNeverFallBelowTheLongest) {
  end(198, 1s);
  limits.record(one_row, 10s);
  limits.record(one_row, 10s);

  EXPECT_EQ(limits.limit(one_row), 15s);  // 1.5 times the longest, not 3 times

  limits.record(one_row, 10s);
  EXPECT_EQ(limits.limit(one_row), 30s);  // now more than one in a hundred took that long
}

TEST_F(StepLimits, JudgeASizeByItsOwnStepsOnly) {
  end(100, 1ms, {1, 100});

  EXPECT_EQ(limits.limit({1, 127}), 1s);  // the same power of two
  EXPECT_EQ(limits.limit({1, 128}), 0s);
  EXPECT_EQ(limits.limit({2, 100}), 0s);
}

TEST_F(StepLimits, OfAModelThatIsNotSteadyAreNotKnown) {
  step_limits never;
  for (int i = 0; i < 1000; ++i) never.record(one_row, 1ms);

  EXPECT_EQ(never.limit(one_row), 0s);
}

TEST_F(StepLimits, AreKnownForABoundedNumberOfSizes) {
  for (std::uint32_t rows = 0; rows < 8; ++rows)
    for (std::uint32_t bytes = 0; bytes < 9; ++bytes)
      for (std::uint32_t i = 0; i < step_limits::trusted_after; ++i)
        limits.record({1u << rows, 1ull << bytes}, 1ms);

  EXPECT_EQ(limits.limit({1, 1}), 1s);
  EXPECT_EQ(limits.limit({1u << 7, 1ull << 8}), 0s);
}

TEST_F(StepLimits, NeverKillAStepThatIsNoLongerThanOneThatEnded) {
  std::minstd_rand draws{7};
  std::lognormal_distribution<double> seconds{-1, 1.5};
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

TEST_F(StepLimits, CountBytesAsPaddingMakesThem) {
  const batch_item items[] = {an_item(1, 1000), an_item(3, 30)};

  const auto size = size_of(items);

  EXPECT_EQ(size.rows, 4u);
  EXPECT_EQ(size.bytes, 4000u);
}

}  // namespace

}  // namespace coppice::worker
