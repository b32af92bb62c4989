#include "gateway/admission/overload_guard.hpp"

#include "tests/gateway/admission/served_model.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

using namespace testing;

namespace {

double seconds(duration time) { return std::chrono::duration<double>(time).count(); }

/// A minute of open-loop arrivals at `factor` times the capacity.
tally overloaded(double factor, admission_limits limits, duration timeout) {
  const engine_shape shape;
  served_model model{shape, limits};
  tally counted{start, start + 59s};
  model.ended = [&](const auto& row) { counted.add(row); };
  model.open_loop(factor * shape.per_second(), {.timeout = timeout}, start + 1min, 17);
  model.run_until(start + 2min);
  return counted;
}

struct Overload : ::testing::TestWithParam<double> {
  const engine_shape shape;
  const duration bar = 2 * shape.unloaded() + shape.window;
  const double least_goodput = GetParam() <= 2 ? 0.98 : 0.95;

  void expect_bars(tally counted) const {
    EXPECT_GE(static_cast<double>(counted.answered), least_goodput * shape.per_second() * 59);
    EXPECT_LE(seconds(counted.admitted_p99()), seconds(bar));
    EXPECT_LE(seconds(counted.refused_p99()), 0.005);
    EXPECT_GT(static_cast<double>(counted.refused),
              static_cast<double>(counted.answered) * (GetParam() - 1) * 0.9);
  }
};

TEST_P(Overload, KeepsGoodputAndLatencyWhereATargetAsksForIt) {
  expect_bars(overloaded(GetParam(), {.queue_target = 2ms}, 30s));
}

TEST_P(Overload, KeepsGoodputAndLatencyWhereDeadlinesAskForIt) {
  expect_bars(overloaded(GetParam(), {}, bar));
}

TEST_P(Overload, LetsNoWaitGrowForEverWhereNobodyAsksForAnything) {
  served_model model{shape, {}};
  tally early{start + 5s, start + 20s}, late{start + 45s, start + 60s};
  model.ended = [&](const auto& row) { early.add(row), late.add(row); };
  model.open_loop(GetParam() * shape.per_second(), {.timeout = std::chrono::hours{1}}, start + 60s,
                  19);
  model.run_until(start + 3min);

  const auto longest = model.guard().target({}) + 300ms;
  EXPECT_LE(seconds(early.admitted_p99()), seconds(longest));
  EXPECT_LE(seconds(late.admitted_p99()), seconds(longest));
  EXPECT_EQ(late.late, 0u);
  EXPECT_GE(static_cast<double>(late.answered), 0.98 * shape.per_second() * 15);
}

TEST_P(Overload, IsOverFiveSecondsAfterTheLoadIs) {
  for (const auto& limits : {admission_limits{}, admission_limits{.queue_target = 10ms}}) {
    served_model model{shape, limits};
    tally after{start + 25s, start + 40s};
    model.ended = [&](const auto& row) { after.add(row); };
    model.open_loop(GetParam() * shape.per_second(), {}, start + 20s, 23);
    model.at(start + 20s, [&] { model.open_loop(0.8 * shape.per_second(), {}, start + 40s, 29); });
    model.run_until(start + 2min);

    EXPECT_GE(after.success(), 0.99);
  }
}

INSTANTIATE_TEST_SUITE_P(TimesCapacity, Overload, ::testing::Values(2.0, 10.0));

/// 512 requests always in flight, answered ones replaced at once.
std::size_t refused_of_a_closed_loop(engine_shape shape) {
  served_model model{shape, {}};
  std::size_t bad = 0;
  model.ended = [&](const auto& row) {
    bad += row.answered ? 0 : 1;
    if (model.now() < start + 60s) model.at(model.now() + 100us, [&model] { model.ask({}); });
  };
  for (int i = 0; i < 512; ++i) model.at(start, [&model] { model.ask({}); });
  model.run_until(start + 2min);
  return bad;
}

TEST(OverloadGuard, RefusesNothingToAClientWithManyInFlightWhateverTheModel) {
  EXPECT_EQ(refused_of_a_closed_loop({.instances = 1, .step = 300ms}), 0u);  // 27 rows a second
  EXPECT_EQ(refused_of_a_closed_loop({}), 0u);
  EXPECT_EQ(refused_of_a_closed_loop({.instances = 8, .step = 5ms}), 0u);
}

TEST(OverloadGuard, RefusesNothingOfABurstAfterALightLoad) {
  served_model model{{}, {}};
  tally counted;
  model.ended = [&](const auto& row) { counted.add(row); };
  model.open_loop(10, {}, start + 30s, 31);
  model.at(start + 20s, [&] {
    for (int i = 0; i < 1000; ++i) model.ask({});
  });
  model.run_until(start + 2min);

  EXPECT_EQ(counted.refused + counted.late, 0u);
}

TEST(OverloadGuard, FollowsAFleetOfWhichAThirdDies) {
  const engine_shape shape{.instances = 6};
  const auto remaining = engine_shape{.instances = 4}.per_second();
  served_model model{shape, {.queue_target = 20ms}};
  tally after{start + 12s, start + 30s};
  model.ended = [&](const auto& row) { after.add(row); };
  model.open_loop(0.95 * shape.per_second(), {.timeout = 1s}, start + 30s, 37);
  model.at(start + 10s, [&] { model.lose_instances(2); });
  model.run_until(start + 1min);

  EXPECT_GE(static_cast<double>(after.answered), 0.95 * remaining * 18);
}

TEST(OverloadGuard, ServesCriticalRequestsUnderAFloodOfOthers) {
  const engine_shape shape;
  served_model model{shape, {.queue_target = 10ms}};
  tally critical, batch;
  model.ended = [&](const auto& row) {
    (row.asked.rank == priority::critical ? critical : batch).add(row);
  };
  model.open_loop(0.7 * shape.per_second(), {.rank = priority::critical, .timeout = 1s},
                  start + 30s, 41);
  model.open_loop(10 * shape.per_second(), {.rank = priority::batch}, start + 30s, 43);
  model.run_until(start + 1min);

  EXPECT_GE(critical.success(), 0.999);
  EXPECT_GE(static_cast<double>(batch.answered), 0.2 * shape.per_second() * 30);
}

TEST(OverloadGuard, LetsAUrgentRequestTakeThePlaceOfTheNewestBatchRow) {
  served_model model{{}, {.waiting_rows = 10}};
  std::vector<outcome_of_model> ended;
  model.ended = [&](const auto& row) { ended.push_back(row); };
  for (int i = 0; i < 64 + 10; ++i) model.at(start, [&] { model.ask({.rank = priority::batch}); });
  model.at(start + 1ms, [&] { model.ask({.rank = priority::batch}); });
  model.at(start + 2ms, [&] { model.ask({.rank = priority::critical}); });
  model.run_until(start + 3ms);

  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0].refused, shed_reason::queue_full);
  EXPECT_EQ(ended[1].refused, shed_reason::pushed_out);
  EXPECT_EQ(ended[1].asked.rank, priority::batch);
  EXPECT_EQ(model.waiting(), 10u);
}

}  // namespace

}  // namespace coppice::gateway
