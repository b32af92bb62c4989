#include "gateway/shard/fair_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <random>
#include <vector>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

waiting_row row_of(std::uint64_t tenant, std::uint64_t id, duration left = 1s,
                   std::uint32_t cost = 1, std::uint32_t weight = 1) {
  return {priority::normal, {tenant}, weight, t0 + left, {id}, cost, t0};
}

TEST(FairQueue, SharesByWeightInCostWithinFivePercent) {
  constexpr std::array<std::uint32_t, 3> weights{1, 2, 4};
  std::mt19937 random{7};
  fair_queue rows;
  std::uint64_t id = 0;
  const auto refill = [&](std::uint64_t tenant) {
    while (rows.rows_of({tenant}) < 20)
      rows.push(row_of(tenant, ++id, (random() % 1000) * 1ms,
                       static_cast<std::uint32_t>(1 + random() % 8), weights[tenant - 1]));
  };
  std::array<double, 3> served{};
  for (int pops = 0; pops < 10'000; ++pops) {
    for (std::uint64_t tenant = 1; tenant <= 3; ++tenant) refill(tenant);
    const auto row = rows.pop();
    served[row.tenant.value - 1] += row.cost;
  }

  const auto all = served[0] + served[1] + served[2];
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(served[i] / all / (weights[i] / 7.0), 1, 0.05) << "weight " << weights[i];
}

TEST(FairQueue, ServesTheEarliestDeadlineWithinATenant) {
  fair_queue rows;
  for (const int ms : {5, 1, 4, 2, 3})
    rows.push(row_of(1, static_cast<std::uint64_t>(ms), ms * 1ms));

  for (std::uint64_t ms = 1; ms <= 5; ++ms) EXPECT_EQ(rows.pop().row.value, ms);
}

TEST(FairQueue, GivesATenantThatComesNothingForTheTimeItWasAway) {
  fair_queue rows;
  for (std::uint64_t i = 0; i < 100; ++i) rows.push(row_of(1, i));
  for (int i = 0; i < 50; ++i) rows.pop();
  for (std::uint64_t i = 0; i < 100; ++i) rows.push(row_of(2, 1000 + i));
  int second = 0;

  for (int i = 0; i < 40; ++i) second += rows.pop().tenant.value == 2 ? 1 : 0;

  EXPECT_NEAR(second, 20, 1);
}

TEST(FairQueue, GivesATenantNothingForLeavingAndComingBack) {
  fair_queue rows;
  std::uint64_t id = 0;
  for (int i = 0; i < 1000; ++i) rows.push(row_of(1, ++id, 1s, 1, 4));
  int second = 0;
  for (int i = 0; i < 500; ++i) {
    if (rows.rows_of({2}) == 0) rows.push(row_of(2, ++id));  // always one row, never two
    second += rows.pop().tenant.value == 2 ? 1 : 0;
  }

  EXPECT_NEAR(second, 100, 5);
}

TEST(FairQueue, ChargesNothingForARowThatIsTakenOutUnserved) {
  fair_queue rows;
  for (std::uint64_t i = 0; i < 100; ++i) {
    rows.push(row_of(1, i));
    rows.push(row_of(2, 1000 + i));
  }
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(rows.remove(row_of(1, i)), 1u);
  int first = 0;

  for (int i = 0; i < 60; ++i) first += rows.pop().tenant.value == 1 ? 1 : 0;

  EXPECT_EQ(first, 30);
}

TEST(FairQueue, EstimatesWhatIsServedBeforeARow) {
  fair_queue rows;
  EXPECT_EQ(rows.ahead_of(row_of(1, 999)), 0u);
  for (std::uint64_t i = 0; i <= 100; ++i) rows.push(row_of(1, i, i * 10ms));

  EXPECT_EQ(rows.ahead_of(row_of(1, 999, 1s)), 101u);
  EXPECT_NEAR(static_cast<double>(rows.ahead_of(row_of(1, 999, 500ms))), 50, 1);
  EXPECT_EQ(rows.ahead_of(row_of(1, 999, 0ms)), 0u);
  // Another tenant waits for one row of each turn, by weight.
  EXPECT_EQ(rows.ahead_of(row_of(2, 999)), 1u);
  EXPECT_EQ(rows.ahead_of(row_of(2, 999, 1s, 3)), 3u);
  EXPECT_EQ(rows.ahead_of(row_of(2, 999, 1s, 6, 2)), 3u);
}

/// Any order of pushes, pops and removes loses nothing, doubles nothing and adds up.
TEST(FairQueue, KeepsEveryRowOnceUnderRandomOperations) {
  std::mt19937 random{13};
  fair_queue rows;
  std::map<std::uint64_t, waiting_row> model;
  std::uint64_t id = 0;
  const auto small = [&] { return static_cast<std::uint32_t>(1 + random() % 5); };
  for (int step = 0; step < 50'000; ++step) {
    const auto what = random() % 10;
    if (what < (step / 1000 % 2 == 0 ? 6u : 3u)) {
      const auto row = row_of(1 + random() % 20, ++id, (random() % 50) * 1ms, small(), small());
      ASSERT_TRUE(rows.push(row));
      ASSERT_FALSE(rows.push(row));
      model[id] = row;
    } else if (what < 8 && !model.empty()) {
      const auto front = rows.front().row;
      const auto popped = rows.pop();
      ASSERT_EQ(popped.row, front);
      for (const auto& [key, row] : model)
        ASSERT_TRUE(row.tenant != popped.tenant || row.deadline >= popped.deadline);
      ASSERT_EQ(model.erase(popped.row.value), 1u);
    } else if (!model.empty()) {
      const auto some = model.lower_bound(random() % (id + 1));
      const auto row = some == model.end() ? model.begin()->second : some->second;
      ASSERT_EQ(rows.remove(row), row.cost);
      ASSERT_EQ(rows.remove(row), 0u);
      model.erase(row.row.value);
    }
    std::uint64_t cost = 0;
    for (const auto& [key, row] : model) cost += row.cost;
    ASSERT_EQ(rows.size(), model.size());
    ASSERT_EQ(rows.cost(), cost);
    ASSERT_EQ(rows.newest() == nullptr, model.empty());
    if (!model.empty()) {
      ASSERT_EQ(rows.newest()->row.value, model.rbegin()->first);
      ASSERT_EQ(rows.oldest()->row.value, model.begin()->first);
    }
  }
  while (!rows.empty()) ASSERT_EQ(model.erase(rows.pop().row.value), 1u);
  EXPECT_TRUE(model.empty());
}

}  // namespace

}  // namespace coppice::gateway
