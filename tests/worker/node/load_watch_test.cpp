#include "worker/node/load_watch.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

struct LoadWatch : ::testing::Test {
  load_watch watch{{.load = 10s, .load_bytes_per_s = 100}};
  steady_time at{1h};

  void SetUp() override { EXPECT_FALSE(watch.look(at)); }
  /// Looks every 50 ms for that long. @returns what the last look found; the others found nothing.
  std::optional<standstill> after(duration span) {
    std::optional<standstill> found;
    for (const auto until = at + span; at < until;) {
      EXPECT_FALSE(found) << "too early: " << describe(*found);
      found = watch.look(at += 50ms);
    }
    return found;
  }
};

TEST_F(LoadWatch, FindsAnEngineThatBeginsWithNoModel) {
  EXPECT_FALSE(after(9950ms));

  const auto found = after(50ms);
  ASSERT_TRUE(found);
  EXPECT_EQ(describe(*found), "was still starting after 10.0 s (its limit: 10.0 s)");
}

TEST_F(LoadWatch, GivesEachModelItsOwnTime) {
  EXPECT_FALSE(after(9s));
  watch.begun("a:1", 0);
  EXPECT_FALSE(after(9s));
  watch.begun("b:2", 0);

  EXPECT_FALSE(after(9950ms));
  const auto found = after(50ms);
  ASSERT_TRUE(found);
  EXPECT_EQ(describe(*found), "was still loading b:2 after 10.0 s (its limit: 10.0 s)");
}

TEST_F(LoadWatch, GivesALargeFileMoreTime) {
  watch.begun("large:1", 1901);

  EXPECT_FALSE(after(29'950ms));
  EXPECT_TRUE(after(50ms)) << "10 s and 20 s, which begin with every 100 bytes";
}

TEST_F(LoadWatch, GivesTheLargestSizeThatCanBeClaimedABoundedTime) {
  watch.begun("endless:1", UINT64_MAX);

  EXPECT_FALSE(after(1s));
}

TEST_F(LoadWatch, DoesNotCountTimeInWhichItCouldNotLook) {
  at += 1h;
  EXPECT_FALSE(watch.look(at));

  EXPECT_FALSE(after(9750ms));  // the gap counts as 200 ms
  EXPECT_TRUE(after(50ms));
}

}  // namespace

}  // namespace coppice::worker
