#include "gateway/retry/recent_times.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace coppice::gateway {

namespace {

void add(recent_times& times, int count, duration took) {
  for (int i = 0; i < count; ++i) times.add(took);
}

TEST(RecentTimes, KnowsNothingBeforeTwentyTimes) {
  recent_times times;
  add(times, 19, 5ms);
  EXPECT_EQ(times.quantile(0.5), 0ms);

  times.add(5ms);
  EXPECT_GE(times.quantile(0.5), 5ms);
}

TEST(RecentTimes, TellsTheFewSlowFromTheManyFast) {
  recent_times times;
  add(times, 98, 1ms);
  add(times, 2, 80ms);

  EXPECT_LT(times.quantile(0.95), 2ms);
  EXPECT_GE(times.quantile(0.99), 80ms);
}

TEST(RecentTimes, ForgetsWhatIsLongAgo) {
  recent_times times;
  add(times, 4000, 1s);
  add(times, 20'000, 1ms);

  EXPECT_LT(times.quantile(0.95), 2ms);
}

TEST(RecentTimes, TakesEveryDuration) {
  recent_times times;
  add(times, 30, duration::max());
  EXPECT_GT(times.quantile(0.5), 1h);

  add(times, 60, duration::min());
  EXPECT_LE(times.quantile(0.5), 1us);
}

TEST(RecentTimes, IsNeverTooShortAndAtMostAnEighthTooLong) {
  std::mt19937 random{9};
  std::lognormal_distribution<double> us{8, 2};
  for (int round = 0; round < 20; ++round) {
    recent_times times;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 1000; ++i) {
      all.push_back(static_cast<std::int64_t>(us(random)));
      times.add(std::chrono::microseconds{all.back()});
    }
    std::ranges::sort(all);
    for (const double share : {0.0, 0.5, 0.95, 0.99, 1.0}) {
      const auto exact = all[static_cast<std::size_t>(share * 999)];
      const auto told = static_cast<std::int64_t>(to_us(times.quantile(share)));
      EXPECT_GE(told, exact);
      EXPECT_LE(told, exact + exact / 8 + 1);
    }
  }
}

}  // namespace

}  // namespace coppice::gateway
