#include "client/latencies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace coppice::client {

namespace {

TEST(Latencies, GiveQuantilesWithinTwoPercentOfTheSortedValues) {
  std::mt19937_64 random{9};
  std::lognormal_distribution<double> draw{10, 2};
  latencies histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(draw(random)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.5, 0.9, 0.99, 0.999}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(q * 1e5) - 1]) / 1e3;
    EXPECT_NEAR(histogram.quantile_us(q), exact, exact * 0.02) << q;
  }
}

TEST(Latencies, AreZeroBeforeAnythingWasRecorded) {
  EXPECT_EQ(latencies{}.quantile_us(0.5), 0);
  EXPECT_EQ(latencies{}.mean_us(), 0);
}

TEST(Latencies, KeepTheLargestValueExactly) {
  latencies histogram;
  histogram.record(123'456'789);
  EXPECT_EQ(histogram.max_us(), 123'456.789);
  EXPECT_EQ(histogram.quantile_us(1), 123'456.789);
}

TEST(Latencies, TakeTheLargestValueThereIs) {
  latencies histogram;
  histogram.record(~std::uint64_t{0});
  EXPECT_GT(histogram.quantile_us(0.5), 0);
  EXPECT_NE(histogram.draw(10), "");
}

}  // namespace

}  // namespace coppice::client
