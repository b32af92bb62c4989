#include "scheduler/health/outlier_watch.hpp"

#include <gmock/gmock.h>

namespace coppice::scheduler {

namespace {

using ::testing::HasSubstr;

const steady_time t0{std::chrono::hours{1}};
constexpr incarnation_id odd{1}, other{2}, third{3};

proto::holding seen(incarnation_id engine, std::uint32_t completed, std::uint32_t failed,
                    std::uint64_t us_each = 0) {
  proto::holding report;
  report.incarnation = engine;
  report.model = "echo";
  report.version = 1;
  report.completed = completed;
  report.failed = failed;
  report.latency_us = completed * us_each;
  return report;
}

struct OutlierWatch : ::testing::Test {
  outlier_watch watch;
  /// So many replies over a second, whose mean latency is `us`.
  void measure_once(incarnation_id engine, std::uint32_t replies, std::uint64_t us,
                    steady_time from) {
    (void)watch.report(seen(engine, replies / 2, 0, us), from);
    (void)watch.report(seen(engine, replies - replies / 2, 0, us), from + 1s);
  }
  /// Twice in a row, until `measured`.
  void measure(incarnation_id engine, std::uint32_t replies, std::uint64_t us) {
    measure_once(engine, replies, us, t0);
    measure_once(engine, replies, us, t0 + 1s);
  }
  static constexpr steady_time measured = t0 + 2s;
};

// --- errors ---

TEST_F(OutlierWatch, NamesAnEngineWhoseThirdAttemptInARowFailsWhileOthersSucceed) {
  (void)watch.report(seen(other, 5, 0), t0);

  EXPECT_FALSE(watch.report(seen(odd, 0, 2), t0));
  EXPECT_FALSE(watch.outlier(odd, t0));

  EXPECT_TRUE(watch.report(seen(odd, 0, 1), t0));
  EXPECT_THAT(watch.outlier(odd, t0).value_or(""), HasSubstr("3 attempts on 'echo' failed"));
  EXPECT_FALSE(watch.outlier(other, t0));
}

TEST_F(OutlierWatch, ASuccessEndsTheRow) {
  (void)watch.report(seen(other, 5, 0), t0);

  (void)watch.report(seen(odd, 0, 2), t0);
  (void)watch.report(seen(odd, 1, 2), t0);
  (void)watch.report(seen(odd, 0, 2), t0);

  EXPECT_FALSE(watch.outlier(odd, t0));
}

TEST_F(OutlierWatch, BlamesNobodyWhereNobodyDoesBetter) {
  (void)watch.report(seen(odd, 0, 100), t0);
  EXPECT_FALSE(watch.outlier(odd, t0));  // alone

  (void)watch.report(seen(other, 0, 100), t0);
  EXPECT_FALSE(watch.outlier(odd, t0));  // all fail
}

TEST_F(OutlierWatch, AsksForALongerRowWhereTheOthersFailToo) {
  (void)watch.report(seen(other, 90, 10), t0);

  (void)watch.report(seen(odd, 0, 8), t0);
  EXPECT_FALSE(watch.outlier(odd, t0));  // by chance once in 1e8

  (void)watch.report(seen(odd, 0, 2), t0);
  EXPECT_TRUE(watch.outlier(odd, t0));
}

TEST_F(OutlierWatch, ForgetsTheSuccessesOfOthersAfterTenSeconds) {
  (void)watch.report(seen(other, 5, 0), t0);
  (void)watch.report(seen(odd, 0, 3), t0);

  EXPECT_TRUE(watch.outlier(odd, t0 + 9999ms));
  EXPECT_FALSE(watch.outlier(odd, t0 + 10s));
}

TEST_F(OutlierWatch, CountsRefusalsAsNothing) {
  (void)watch.report(seen(other, 5, 0), t0);
  auto busy = seen(odd, 0, 0);
  busy.refused = 100;

  EXPECT_FALSE(watch.report(busy, t0));
  EXPECT_FALSE(watch.outlier(odd, t0));
  EXPECT_FALSE(watch.doubtful(odd, t0));
}

TEST_F(OutlierWatch, ComparesOnlyEnginesOfTheSameVersion) {
  auto of_two = seen(other, 5, 0);
  of_two.version = 2;
  (void)watch.report(of_two, t0);

  (void)watch.report(seen(odd, 0, 3), t0);

  EXPECT_FALSE(watch.outlier(odd, t0));
}

TEST_F(OutlierWatch, DoubtsAnEngineFromItsFirstFailureWhereOthersHaveNone) {
  (void)watch.report(seen(other, 5, 0), t0);
  EXPECT_FALSE(watch.doubtful(odd, t0));

  (void)watch.report(seen(odd, 0, 1), t0);
  EXPECT_TRUE(watch.doubtful(odd, t0));

  (void)watch.report(seen(odd, 1, 0), t0);
  EXPECT_FALSE(watch.doubtful(odd, t0));
}

TEST_F(OutlierWatch, ForgetsAnEngine) {
  (void)watch.report(seen(other, 5, 0), t0);
  (void)watch.report(seen(odd, 0, 3), t0);

  watch.forget(odd);

  EXPECT_FALSE(watch.outlier(odd, t0));
}

// --- latency ---

TEST_F(OutlierWatch, NamesAnEngineOverThreeTimesSlowerThanTheMedianOfTheOthers) {
  measure(other, 20, 10'000);
  measure(third, 20, 10'000);
  measure(odd, 20, 30'000);
  EXPECT_FALSE(watch.outlier(odd, measured));

  watch.forget(odd);
  measure(odd, 20, 30'001);
  EXPECT_THAT(watch.outlier(odd, measured).value_or(""),
              HasSubstr("took 30 ms on average, those of the others 10 ms"));
}

TEST_F(OutlierWatch, GoesOnWithAnEngineThatWasSlowOnce) {
  measure(other, 20, 1'000);

  measure_once(odd, 20, 100'000, t0);
  EXPECT_FALSE(watch.outlier(odd, measured));
  measure_once(odd, 20, 1'000, t0 + 1s);
  EXPECT_FALSE(watch.outlier(odd, measured));
  measure_once(odd, 20, 100'000, t0 + 2s);
  EXPECT_FALSE(watch.outlier(odd, measured + 1s));
}

TEST_F(OutlierWatch, NeedsTwentyRepliesForAMean) {
  measure(other, 20, 10'000);

  measure_once(odd, 20, 100'000, t0);
  measure_once(odd, 19, 100'000, t0 + 1s);
  EXPECT_FALSE(watch.outlier(odd, measured));

  EXPECT_TRUE(watch.report(seen(odd, 1, 0, 100'000), measured));
  EXPECT_TRUE(watch.outlier(odd, measured));
}

TEST_F(OutlierWatch, ComparesWithRepliesOfOthersOnly) {
  measure(odd, 20, 100'000);
  EXPECT_FALSE(watch.outlier(odd, measured));

  measure_once(other, 19, 1'000, t0);
  EXPECT_FALSE(watch.outlier(odd, measured));
}

TEST_F(OutlierWatch, DoesNotMindDifferencesBelowFiveMilliseconds) {
  measure(other, 20, 100);

  measure(odd, 20, 5'099);
  EXPECT_FALSE(watch.outlier(odd, measured));

  watch.forget(odd);
  measure(odd, 20, 5'100);
  EXPECT_TRUE(watch.outlier(odd, measured));
}

TEST_F(OutlierWatch, TakesAnEngineThatAnswersHalfAsMuchAgainAsBusyAndNotAsSlow) {
  measure(other, 20, 1'000);

  measure(odd, 31, 50'000);
  EXPECT_FALSE(watch.outlier(odd, measured));

  watch.forget(odd);
  measure(odd, 30, 50'000);
  EXPECT_TRUE(watch.outlier(odd, measured));
}

TEST_F(OutlierWatch, ComparesAMeanForAMinute) {
  measure(other, 20, 1'000);
  measure(odd, 20, 50'000);

  EXPECT_TRUE(watch.outlier(odd, measured + 59s));
  EXPECT_FALSE(watch.outlier(odd, measured + 59s + 1ms));
}

}  // namespace

}  // namespace coppice::scheduler
