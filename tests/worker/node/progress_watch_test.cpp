#include "worker/node/progress_watch.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace coppice::worker {

namespace {

const steady_time t0{};
constexpr duration look_period = 50ms;

struct ProgressWatch : ::testing::Test {
  std::unique_ptr<progress_page> page = std::make_unique<progress_page>();
  progress_watch watch{{.step = 10s}};
  steady_time at = t0;

  void SetUp() override { EXPECT_FALSE(watch.look(*page, true, at)); }
  /// Looks every 50 ms for that long. @returns what the last look found; the others found nothing.
  std::optional<standstill> after(duration span, bool link_turns = true, bool serving = true) {
    std::optional<standstill> found;
    for (const auto until = at + span; at < until;) {
      EXPECT_FALSE(found) << "too early: " << describe(*found);
      at += look_period;
      if (link_turns) ++page->loop_turns;
      found = watch.look(*page, serving, at);
    }
    return found;
  }
  void begin_step(std::size_t lane, std::uint64_t limit_us = 0) {
    page->lanes[lane].limit_us = limit_us;
    ++page->lanes[lane].ticks;
    EXPECT_FALSE(watch.look(*page, true, at));
  }
};

TEST_F(ProgressWatch, FindsAStepThatDoesNotEndAtTheConfiguredLimitIfNoneIsLearned) {
  begin_step(2);

  EXPECT_FALSE(after(10s - look_period));
  const auto found = after(look_period);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, standstill::part::step);
  EXPECT_EQ(found->limit, 10s);
}

TEST_F(ProgressWatch, FindsAStepAtItsLearnedLimit) {
  begin_step(0, 2'000'000);

  EXPECT_FALSE(after(2s - look_period));
  EXPECT_TRUE(after(look_period));
}

TEST_F(ProgressWatch, LearnsNoLimitBelowASecondNorAboveTheConfiguredOne) {
  begin_step(0, 1);
  EXPECT_FALSE(after(1s - look_period));
  EXPECT_TRUE(after(look_period));

  begin_step(0);  // ends
  begin_step(0, ~std::uint64_t{0});
  EXPECT_FALSE(after(10s - look_period));
  EXPECT_TRUE(after(look_period));
}

TEST_F(ProgressWatch, NeverBlamesAnIdleLaneOrABusyOne) {
  page->lanes[0].ticks = 4;
  EXPECT_FALSE(after(1h));
  for (int i = 0; i < 100; ++i) {
    begin_step(0, 1'000'000);
    EXPECT_FALSE(after(1s - look_period));
    ++page->lanes[0].ticks;
  }
}

TEST_F(ProgressWatch, DoesNotHoldAStepToTheLimitOfTheNext) {
  begin_step(0);
  EXPECT_FALSE(after(5s));
  page->lanes[0].limit_us = 1'000'000;
  page->lanes[0].ticks += 2;

  EXPECT_FALSE(after(1s));  // the next look is the first to see it
  EXPECT_TRUE(after(look_period));
}

TEST_F(ProgressWatch, FindsALinkThatDoesNotTurnWithinASecondWhileWorkIsOpen) {
  page->open_attempts = 1;

  EXPECT_FALSE(after(1s - look_period, false));
  const auto found = after(look_period, false);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, standstill::part::link);
}

TEST_F(ProgressWatch, FindsAnIdleLinkThatDoesNotTurnWithinThreeSeconds) {
  EXPECT_FALSE(after(3s - look_period, false));
  EXPECT_TRUE(after(look_period, false));
}

TEST_F(ProgressWatch, JudgesNothingBeforeTheEngineServes) {
  EXPECT_FALSE(after(1h, false, false));

  EXPECT_FALSE(after(3s - look_period, false));
  EXPECT_TRUE(after(look_period, false));
}

TEST_F(ProgressWatch, DoesNotCountTimeInWhichItDidNotLook) {
  page->open_attempts = 1;
  begin_step(0, 1'000'000);

  at += 1h;  // the worker itself was frozen
  EXPECT_FALSE(watch.look(*page, true, at));

  EXPECT_FALSE(after(1s - progress_watch::longest_gap - look_period, false));
  EXPECT_TRUE(after(look_period, false));
}

TEST_F(ProgressWatch, IsQuietOnlyIfNothingIsOpenAndNothingRan) {
  EXPECT_FALSE(watch.look(*page, true, at));
  EXPECT_TRUE(watch.quiet());
  page->open_attempts = 1;
  EXPECT_FALSE(watch.look(*page, true, at));
  EXPECT_FALSE(watch.quiet());

  page->open_attempts = 0;
  page->lanes[3].ticks = 2;  // came and went between two looks
  EXPECT_FALSE(watch.look(*page, true, at));
  EXPECT_FALSE(watch.quiet());
  EXPECT_FALSE(watch.look(*page, true, at));
  EXPECT_TRUE(watch.quiet());
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
