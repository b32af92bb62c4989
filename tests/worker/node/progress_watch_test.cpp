#include "worker/node/progress_watch.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace coppice::worker {

namespace {

const steady_time t0{};

struct ProgressWatch : ::testing::Test {
  std::unique_ptr<progress_page> page = std::make_unique<progress_page>();
  progress_watch watch;
};

TEST_F(ProgressWatch, FindsAStepThatDoesNotEnd) {
  page->lanes[2].ticks = 5;

  EXPECT_FALSE(watch.hangs(*page, 1s, t0));
  EXPECT_FALSE(watch.hangs(*page, 1s, t0 + 999ms));
  EXPECT_TRUE(watch.hangs(*page, 1s, t0 + 1s));
}

TEST_F(ProgressWatch, NeverBlamesAnIdleLaneOrABusyOne) {
  page->lanes[0].ticks = 4;
  EXPECT_FALSE(watch.hangs(*page, 1s, t0));
  EXPECT_FALSE(watch.hangs(*page, 1s, t0 + 1h));

  for (int second = 0; second < 10; ++second) {
    page->lanes[0].ticks += 2;
    ++page->lanes[0].ticks;
    EXPECT_FALSE(watch.hangs(*page, 2s, t0 + 1h + second * 1s));
    ++page->lanes[0].ticks;
  }
}

TEST_F(ProgressWatch, NamesTheAttemptsOfStepsInProgressAlone) {
  page->lanes[0].ticks = 3;
  page->lanes[0].attempt_count = 2;
  page->lanes[0].attempts[0] = 11;
  page->lanes[0].attempts[1] = 12;
  page->lanes[1].ticks = 2;
  page->lanes[1].attempt_count = 1;
  page->lanes[1].attempts[0] = 13;

  EXPECT_EQ(attempts_in_progress(*page), (std::vector<std::uint64_t>{11, 12}));
}

}  // namespace

}  // namespace coppice::worker
