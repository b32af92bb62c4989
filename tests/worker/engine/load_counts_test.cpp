#include "worker/engine/load_counts.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace coppice::worker {
namespace {

std::uint64_t count_at(const std::vector<proto::bucket_count>& buckets, std::uint64_t le) {
  for (const auto& each : buckets)
    if (each.le == le) return each.count;
  return 0;
}

TEST(LoadCounts, PutABatchIntoItsBucketsByUpperBound) {
  load_counts counts;
  counts.step_ran(8, release_reason::window, 50us);
  counts.step_ran(8, release_reason::window, 51us);
  counts.step_ran(8, release_reason::window, 60s);

  proto::model_load load;
  counts.report(load);

  EXPECT_EQ(count_at(load.batch_rows, 8), 3u);
  EXPECT_EQ(count_at(load.compute_us, 50), 1u);
  EXPECT_EQ(count_at(load.compute_us, 100), 1u);
  EXPECT_EQ(count_at(load.compute_us, std::numeric_limits<std::uint64_t>::max()), 1u);
  EXPECT_EQ(load.compute_us_sum, 60'000'101u);
  ASSERT_EQ(load.releases.size(), 5u);
  EXPECT_EQ(load.releases[2].reason, "window");
  EXPECT_EQ(load.releases[2].count, 3u);
}

TEST(LoadCounts, CountAnswersByOutcome) {
  load_counts counts;
  counts.answered(true);
  counts.answered(true);
  counts.answered(false);
  counts.refused();

  proto::model_load load;
  counts.report(load);

  EXPECT_EQ(load.completed, 2u);
  EXPECT_EQ(load.failed, 1u);
  EXPECT_EQ(load.refused, 1u);
}

}  // namespace
}  // namespace coppice::worker
