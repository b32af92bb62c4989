#include "scheduler/placement/placement.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::scheduler {

using testing::a_card;
using testing::a_holding;
using testing::a_node;
using testing::a_place;
using testing::an_engine;

namespace {

const steady_time t0{};

std::uint32_t rows_in(const proto::place_reply& reply) {
  std::uint32_t rows = 0;
  for (const auto& grant : reply.grants) rows += grant.rows;
  return rows;
}

struct Placement : ::testing::Test {
  engine_table engines;
  placement placing{1s};
};

TEST_F(Placement, RefusesAModelThatNoEngineServes) {
  const auto reply = placing.place(engines, a_place(3), t0);

  ASSERT_EQ(reply.refused.size(), 1u);
  EXPECT_EQ(reply.refused[0].code, "unavailable");
}

TEST_F(Placement, GrantsASingleShardItsWholeShare) {
  engines.take(a_node({an_engine(1), an_engine(2)}), t0);

  const auto reply = placing.place(engines, a_place(1), t0);

  EXPECT_EQ(rows_in(reply), 16u);
  EXPECT_EQ(reply.grants.size(), 2u);
  EXPECT_TRUE(reply.refused.empty());
}

TEST_F(Placement, SpreadsOverEnginesByPredictedFinish) {
  engines.take(a_node({an_engine(1), an_engine(2)}), t0);

  const auto reply = placing.place(engines, a_place(8, {a_holding(1, 8)}), t0);

  ASSERT_EQ(reply.grants.size(), 1u);
  EXPECT_EQ(reply.grants[0].incarnation, incarnation_id{2});
  EXPECT_EQ(reply.grants[0].rows, 8u);
}

TEST_F(Placement, LeavesRoomForAnotherShard) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(0, {}, "other"), t0);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(1), t0)), 4u);
  EXPECT_EQ(rows_in(placing.place(engines, a_place(4, {}, "other"), t0)), 4u);
}

TEST_F(Placement, SaysOverloadedWithADelayWhenTheAccountIsFull) {
  engines.take(a_node({an_engine(1)}), t0);

  const auto reply = placing.place(engines, a_place(1, {a_holding(1, 8)}), t0);

  EXPECT_TRUE(reply.grants.empty());
  ASSERT_EQ(reply.refused.size(), 1u);
  EXPECT_EQ(reply.refused[0].code, "overloaded");
  EXPECT_GT(reply.refused[0].retry_after_us, 0u);
}

TEST_F(Placement, LetsAShardWithoutCreditAskAFullEngine) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(8, {}, "greedy"), t0);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(2), t0)), 2u);
}

TEST_F(Placement, TakesBackTheCreditOfALostGateway) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(8, {}, "lost"), t0);

  placing.forget_gateway("lost");

  EXPECT_EQ(rows_in(placing.place(engines, a_place(8), t0)), 8u);
}

TEST_F(Placement, NeverGrantsOneShardBeyondCapacity) {
  std::mt19937 generator{7};
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  engines.take(a_node({an_engine(1, {a_card(12, 3)}), an_engine(2, {a_card(6, 1)})}), t0);
  std::map<std::uint64_t, std::uint32_t> held;
  auto at = t0;
  for (int step = 0; step < 20'000; ++step, at += 1ms) {
    std::vector<proto::holding> holdings;
    for (auto& [incarnation, rows] : held) {
      rows -= rows == 0 ? 0 : random() % (rows + 1);
      holdings.push_back(a_holding(incarnation, rows));
    }
    for (const auto& grant : placing.place(engines, a_place(random() % 20, holdings), at).grants)
      held[grant.incarnation.value] += grant.rows;
    ASSERT_LE(held[1], 12u) << "step " << step;
    ASSERT_LE(held[2], 6u) << "step " << step;
  }
}

}  // namespace

}  // namespace coppice::scheduler
