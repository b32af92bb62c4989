#include "worker/engine/batch_times.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {
namespace {

TEST(BatchTimes, ExpectNothingBeforeAnythingWasMeasured) {
  EXPECT_EQ(batch_times{}.expect(4), duration{0});
  EXPECT_TRUE(batch_times{}.table().empty());
}

TEST(BatchTimes, KeepSizesApartByPowersOfTwo) {
  batch_times times;
  times.record(1, 100us);
  times.record(3, 300us);
  times.record(32, 900us);

  EXPECT_EQ(times.expect(1), 100us);
  EXPECT_EQ(times.expect(4), 300us);
  EXPECT_EQ(times.expect(20), 900us);
  EXPECT_EQ(times.expect(64), 900us);
  ASSERT_EQ(times.table().size(), 3u);
  EXPECT_EQ(times.table()[1].rows, 4u);
  EXPECT_EQ(times.table()[1].us, 300u);
}

TEST(BatchTimes, FollowAChangeGradually) {
  batch_times times;
  times.record(1, 100us);
  times.record(1, 200us);
  EXPECT_EQ(times.expect(1), 120us);
  for (int i = 0; i < 50; ++i) times.record(1, 200us);
  EXPECT_GT(times.expect(1), 199us);
}

}  // namespace
}  // namespace coppice::worker
