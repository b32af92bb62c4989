#include "gateway/shard/drain_rate.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

/// `per_ms` rows every millisecond, from `from` for `ms` milliseconds.
void run(drain_rate& rate, std::uint32_t per_ms, bool backlogged, steady_time from, int ms) {
  for (int i = 1; i <= ms; ++i) rate.left(per_ms, 1ms, backlogged, from + i * 1ms);
}

TEST(DrainRate, PredictsNothingBeforeItHasMeasured) {
  EXPECT_EQ(drain_rate{}.time_for(1000), duration{0});
}

TEST(DrainRate, PredictsTheWaitFromTheRowsThatLeft) {
  drain_rate rate;
  run(rate, 1, true, t0, 1000);

  EXPECT_NEAR(static_cast<double>(rate.time_for(500) / 1us), 500'000, 5'000);
}

TEST(DrainRate, DoesNotTakeALightLoadForALowRate) {
  drain_rate rate;
  for (int i = 0; i < 100; ++i) rate.left(1, 1ms, false, t0 + i * 100ms);
  EXPECT_EQ(rate.time_for(500), duration{0});

  run(rate, 1, true, t0 + 10s, 2000);
  for (int i = 0; i < 100; ++i) rate.left(1, 1ms, false, t0 + 13s + i * 100ms);
  EXPECT_NEAR(rate.per_second(), 1000, 50);
}

TEST(DrainRate, LearnsFromALoadThatIsHigherThanWhatItThought) {
  drain_rate rate;
  run(rate, 1, true, t0, 1000);

  run(rate, 3, false, t0 + 1s, 1000);

  EXPECT_NEAR(rate.per_second(), 3000, 100);
}

TEST(DrainRate, FallsWithinHalfASecondWhenEnginesAreLost) {
  drain_rate rate;
  run(rate, 3, true, t0, 1000);

  run(rate, 2, true, t0 + 1s, 500);

  EXPECT_NEAR(rate.per_second(), 2000, 150);
}

TEST(DrainRate, MeasuresBatchesThatAreFurtherApartThanItsWindow) {
  drain_rate rate;
  for (int i = 0; i < 20; ++i)
    for (int row = 0; row < 8; ++row) rate.left(1, 2s, true, t0 + i * 2s);

  EXPECT_NEAR(rate.per_second(), 4, 0.6);
}

TEST(DrainRate, APauseInsideAWindowSaysNothing) {
  drain_rate rate;
  for (int ms = 0; ms <= 1010; ++ms) rate.left(1, 1ms, ms < 1010, t0 + ms * 1ms);
  const auto before = rate.per_second();

  rate.left(1, 1ms, true, t0 + 1min);

  EXPECT_EQ(rate.per_second(), before);
}

TEST(DrainRate, ATimeInWhichRowsWaitedAndNoneWasSentSaysNothing) {
  drain_rate rate;
  run(rate, 1, true, t0, 1050);
  const auto before = rate.per_second();

  rate.left(1, 1ms, true, t0 + 5s);

  EXPECT_EQ(rate.per_second(), before);
}

TEST(DrainRate, IsForgottenAfterARest) {
  drain_rate rate;
  run(rate, 1, true, t0, 1000);

  rate.forget_old(t0 + 6s);
  EXPECT_GT(rate.per_second(), 0);

  rate.forget_old(t0 + 6s + 1ms);
  EXPECT_EQ(rate.per_second(), 0);
}

TEST(DrainRate, ATimeInWhichRowsWereSentAndNoneCameBackIsASlowOne) {
  drain_rate rate;
  run(rate, 1, true, t0, 1050);

  rate.left(1, 3950ms, true, t0 + 5s);

  EXPECT_LT(rate.per_second(), 700);
}

}  // namespace

}  // namespace coppice::gateway
