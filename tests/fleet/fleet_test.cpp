#include "tests/fleet/cluster.hpp"
#include "tests/fleet/figures.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace coppice::fleet {

namespace {

/// Busy engines, fair shares of a few rows, and a death now and then.
plan a_small_fleet(std::uint64_t seed) {
  plan of;
  of.seed = seed;
  of.engines = 24;
  of.engines_per_node = 4;
  of.engines_per_model = 8;
  of.gateways = 3;
  of.clients_per_gateway = 10;
  of.schedulers = 2;
  of.requests_per_s = 2'400;
  of.deaths_per_s = 4;
  of.measured = 1s;
  return of;
}

void expect_whole(cluster& all) {
  for (const auto& [name, found] : all.audit().breaches())
    ADD_FAILURE() << name << ", " << found.times << " times, first: " << found.first;
}

TEST(Fleet, BreaksNoInvariant) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    cluster all{a_small_fleet(seed)};

    all.start();
    all.measure();
    all.finish();

    expect_whole(all);
    EXPECT_GT(all.audit().succeeded(), 6'000u);
  }
}

TEST(Fleet, BreaksNoInvariantWhereEveryEngineServesTheSameModelRowByRow) {
  auto of = a_small_fleet(4);
  of.engines_per_model = of.engines;
  of.max_batch = 1;
  cluster all{of};

  all.start();
  all.measure();
  all.finish();

  expect_whole(all);
}

TEST(Fleet, MeasuresWhatItDoes) {
  cluster all{a_small_fleet(5)};
  all.start();
  all.measure();

  std::size_t named = 0;
  for (const auto& each : figures_of(all)) {
    if (each.name == "requests") {
      EXPECT_NEAR(each.value, 2'400, 400);
      ++named;
    }
    if (each.name == "messages: snapshot") {
      EXPECT_GE(each.value, 6 * 10 * 2);
      ++named;
    }
  }
  EXPECT_EQ(named, 2u);
}

TEST(Fleet, FindsThePowerOfGrowth) {
  EXPECT_NEAR(growth({1, 2, 4}, {3, 6, 12}), 1, 1e-9);
  EXPECT_NEAR(growth({1, 2, 4}, {1, 4, 16}), 2, 1e-9);
  EXPECT_NEAR(growth({1, 2, 4}, {5, 5, 5}), 0, 1e-9);
  EXPECT_TRUE(std::isnan(growth({1}, {1})));
  EXPECT_TRUE(std::isnan(growth({1, 2}, {0, 1})));
}

}  // namespace

}  // namespace coppice::fleet
