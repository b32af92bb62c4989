#include "scheduler/placement/placement.hpp"

#include "scheduler/placement/predicted_finish.hpp"
#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
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

TEST_F(Placement, GrantsAShardNothingOfAnEngineThatItDoesNotReach) {
  engines.take(a_node({an_engine(1), an_engine(2)}), t0);
  auto demand = a_place(1);
  demand.unreachable = {{1}};

  const auto reply = placing.place(engines, demand, t0);

  ASSERT_EQ(reply.grants.size(), 1u);
  EXPECT_EQ(reply.grants[0].incarnation, incarnation_id{2});
  const auto of_other = placing.place(engines, a_place(1, {}, "other"), t0);
  ASSERT_EQ(of_other.grants.size(), 1u);
  EXPECT_EQ(of_other.grants[0].incarnation, incarnation_id{1}) << "others reach it";
}

TEST_F(Placement, LeavesRoomForAnotherShard) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(0, {}, "other"), t0);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(1), t0)), 4u);
  EXPECT_EQ(rows_in(placing.place(engines, a_place(4, {}, "other"), t0)), 4u);
}

TEST_F(Placement, GrantsNobodyMoreThanItsShareWhileAnotherLacksIt) {
  engines.take(a_node({an_engine(1), an_engine(2), an_engine(3)}), t0);
  (void)placing.place(engines, a_place(24, {}, "first"), t0);
  EXPECT_LT(rows_in(placing.place(engines, a_place(8, {}, "second"), t0)), 8u);
  (void)placing.place(engines, a_place(0, {a_holding(1, 4)}, "first"), t0 + 10ms);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(20, {}, "third"), t0 + 20ms)), 8u);
  EXPECT_GE(rows_in(placing.place(engines, a_place(8, {}, "second"), t0 + 30ms)), 8u);
}

TEST_F(Placement, GrantsWhatIsWantedWhenNobodyLacksItAnyMore) {
  engines.take(a_node({an_engine(1), an_engine(2), an_engine(3)}), t0);
  (void)placing.place(engines, a_place(24, {}, "first"), t0);
  (void)placing.place(engines, a_place(8, {}, "second"), t0);
  (void)placing.place(engines, a_place(0, {a_holding(1, 4)}, "first"), t0 + 10ms);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(16, {}, "third"), t0 + 260ms)), 16u);
}

proto::place_request a_levelling_place(std::vector<proto::holding> holdings) {
  auto request = a_place(0, std::move(holdings));
  request.wants.push_back({"echo", 0, 0, 0});
  return request;
}

TEST_F(Placement, BringsAnEngineThatCameBackUpToTheMeanOfWhatAShardHoldsThere) {
  engines.take(a_node({an_engine(1), an_engine(2), an_engine(3)}), t0);

  const auto reply =
      placing.place(engines, a_levelling_place({a_holding(1, 5), a_holding(2, 5)}), t0);

  ASSERT_EQ(reply.grants.size(), 1u);
  EXPECT_EQ(reply.grants[0].incarnation, incarnation_id{3});
  EXPECT_EQ(reply.grants[0].rows, 3u);
}

TEST_F(Placement, BringsThatEngineUpThoughTheOthersWouldFinishAsSoon) {
  engines.take(a_node({an_engine(1, {a_card(16, 8)}), an_engine(2, {a_card(16, 8)})}), t0);

  const auto reply = placing.place(engines, a_levelling_place({a_holding(1, 4)}), t0);

  ASSERT_EQ(reply.grants.size(), 1u);
  EXPECT_EQ(reply.grants[0].incarnation, incarnation_id{2});
  EXPECT_EQ(reply.grants[0].rows, 2u);
}

TEST_F(Placement, GrantsNothingMoreToAShardThatWantsNothingAndIsSpreadEvenly) {
  engines.take(a_node({an_engine(1), an_engine(2)}), t0);

  const auto reply =
      placing.place(engines, a_levelling_place({a_holding(1, 3), a_holding(2, 3)}), t0);

  EXPECT_TRUE(reply.grants.empty());
}

TEST_F(Placement, RefusesNothingToAShardThatWantsNothing) {
  EXPECT_TRUE(placing.place(engines, a_levelling_place({}), t0).refused.empty());
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

TEST_F(Placement, LetsAShardWithLessThanABatchAskAFullEngineForTheRest) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(8, {}, "other"), t0);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(8, {a_holding(1, 1)}), t0)), 3u);
  EXPECT_EQ(rows_in(placing.place(engines, a_place(8, {a_holding(1, 4)}), t0)), 0u);
}

TEST_F(Placement, LetsAShardTryAQuarterOfAnEngineWhereRowsAreNotBatched) {
  engines.take(a_node({an_engine(1, {a_card(16, 1)})}), t0);
  (void)placing.place(engines, a_place(16, {}, "other"), t0);

  EXPECT_EQ(rows_in(placing.place(engines, a_place(8, {a_holding(1, 1)}), t0)), 3u);
}

TEST_F(Placement, TakesBackTheCreditOfALostGateway) {
  engines.take(a_node({an_engine(1)}), t0);
  (void)placing.place(engines, a_place(8, {}, "lost"), t0);

  placing.forget_gateway("lost");

  EXPECT_EQ(rows_in(placing.place(engines, a_place(8), t0)), 8u);
}

TEST_F(Placement, GrantsOnlyTheShareOfAnEngineOnProbation) {
  engines.take(a_node({an_engine(1, {a_card(20, 4)}), an_engine(2, {a_card(20, 4)})}), t0);
  engines.judge("node/engine-2", {"probation", "new", 10});

  std::map<std::uint64_t, std::uint32_t> rows;
  for (const auto& grant : placing.place(engines, a_place(40), t0).grants)
    rows[grant.incarnation.value] += grant.rows;

  EXPECT_EQ(rows[1], 20u);
  EXPECT_EQ(rows[2], 2u);
}

TEST_F(Placement, GrantsAtLeastOneRowOfAnEngineOnProbation) {
  engines.take(a_node({an_engine(1, {a_card(2, 1)}), an_engine(2, {a_card(2, 1)})}), t0);
  engines.judge("node/engine-2", {"probation", "new", 10});

  EXPECT_EQ(rows_in(placing.place(engines, a_place(10), t0)), 3u);
}

TEST_F(Placement, SparesEnginesOnProbationOnlyWhileHalfOfAllAreUpInFull) {
  engines.take(a_node({an_engine(1, {a_card(10, 5)}), an_engine(2, {a_card(10, 5)}),
                       an_engine(3, {a_card(10, 5)}), an_engine(4, {a_card(10, 5)})}),
               t0);
  engines.judge("node/engine-1", {"probation", "new", 10});
  engines.judge("node/engine-2", {"probation", "new", 10});
  EXPECT_EQ(rows_in(placing.place(engines, a_place(40), t0)), 22u);

  engines.judge("node/engine-3", {"probation", "new", 10});
  EXPECT_EQ(rows_in(placing.place(engines, a_place(40), t0)), 40u);
}

TEST_F(Placement, DoesNotSpareAnEngineThatIsAlone) {
  engines.take(a_node({an_engine(1)}), t0);
  engines.judge("node/engine-1", {"probation", "new", 10});

  EXPECT_EQ(rows_in(placing.place(engines, a_place(8), t0)), 8u);
}

TEST_F(Placement, GrantsNothingToEnginesThatTakeNoWork) {
  engines.take(a_node({an_engine(1)}), t0);
  engines.judge("node/engine-1", {"suspect", "silent", 0});

  const auto reply = placing.place(engines, a_place(1), t0);

  EXPECT_TRUE(reply.grants.empty());
  EXPECT_EQ(reply.refused.at(0).code, "unavailable");
}

TEST_F(Placement, LetsAShardWithoutCreditAskABusyEngineOnProbationForItsShareAlone) {
  engines.take(a_node({an_engine(1, {a_card(20, 4)}), an_engine(2, {a_card(20, 4)})}), t0);
  engines.judge("node/engine-2", {"probation", "new", 10});
  (void)placing.place(engines, a_place(100, {}, "greedy"), t0);

  for (const auto& grant : placing.place(engines, a_place(100), t0).grants)
    EXPECT_LE(grant.rows, grant.incarnation == incarnation_id{2} ? 2u : 4u);
}

/// Many shards that say within the time to live what they hold, whose grants may be lost, on
/// engines whose shares change: what the account holds of an engine never exceeds its capacity by
/// more than the one batch that each shard without any credit may ask it for, and all of it lapses.
TEST_F(Placement, HoldsNoMoreThanCapacityAndLeaksNothingUnderRandomEvents) {
  constexpr std::uint32_t shards = 5, capacity = 12, batch = 3;
  std::mt19937 generator{23};
  const auto random = [&](std::uint32_t below) {
    return static_cast<std::uint32_t>(generator()) % below;
  };
  engines.take(
      a_node({an_engine(1, {a_card(capacity, batch)}), an_engine(2, {a_card(capacity, batch)})}),
      t0);
  std::map<std::uint32_t, std::map<std::uint64_t, std::uint32_t>> held;
  auto at = t0;
  for (int step = 0; step < 20'000; ++step, at += 1ms * random(200)) {
    const auto shard = static_cast<std::uint32_t>(step) % shards;
    const auto engine = std::uint64_t{1 + random(2)};
    if (random(20) == 0)
      engines.judge("node/engine-" + std::to_string(engine), {"probation", "", 10 * random(11)});
    if (random(50) == 0) placing.forget_gateway("g" + std::to_string(shard)), held[shard].clear();
    std::vector<proto::holding> holdings;
    for (auto& [incarnation, rows] : held[shard]) {
      rows -= rows == 0 ? 0 : random(rows + 1);
      holdings.push_back(a_holding(incarnation, rows));
    }
    const auto request = a_place(random(20), holdings, "g" + std::to_string(shard));
    const auto reply = placing.place(engines, request, at);
    if (random(10) > 0)
      for (const auto& grant : reply.grants) held[shard][grant.incarnation.value] += grant.rows;
    for (const std::uint64_t each : {1, 2})
      ASSERT_LE(placing.held({{each}, "echo", 1}), capacity + (shards - 1) * batch) << step;
  }

  (void)placing.place(engines, a_place(0, {}, "another"), at + 1s);

  for (const std::uint64_t each : {1, 2}) EXPECT_EQ(placing.held({{each}, "echo", 1}), 0u);
}

/// Of each engine the rows that it gets if every batch of `rows` goes to the first of those with
/// the least predicted finish, by a look at all of them.
std::map<std::uint64_t, std::uint32_t> shared_out(std::vector<engine_load> loads,
                                                  std::vector<std::uint32_t> free,
                                                  std::uint32_t rows) {
  std::map<std::uint64_t, std::uint32_t> granted;
  while (rows > 0) {
    std::size_t best = loads.size();
    for (std::size_t i = 0; i < loads.size(); ++i)
      if (free[i] > 0 && (best == loads.size() ||
                          predicted_finish_us(loads[i]) < predicted_finish_us(loads[best])))
        best = i;
    const auto room = loads[best].max_batch - loads[best].held_rows % loads[best].max_batch;
    const auto n = std::min({rows, free[best], room});
    free[best] -= n, loads[best].held_rows += n, rows -= n;
    granted[1 + best] += n;
  }
  return granted;
}

TEST_F(Placement, GrantsAsALookAtEveryEngineForEachBatchWould) {
  std::mt19937 generator{29};
  const auto random = [&](std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(generator()) % (most - least + 1);
  };
  for (int round = 0; round < 500; ++round) {
    engine_table table;
    placement fresh{1s};
    std::vector<proto::engine_state> all;
    const auto count = random(1, 9);
    for (std::uint64_t e = 1; e <= count; ++e) {
      const auto batch = random(1, 5);
      auto& made = all.emplace_back(an_engine(e, {a_card(batch * random(1, 6), batch)}));
      auto& load = made.loads.emplace_back();
      load.model = "echo";
      load.version = 1;
      load.costs = {{1, random(1, 4)}, {batch + 1, random(4, 9)}};
    }
    table.take(a_node(all), t0);
    (void)fresh.place(table, a_place(random(1, 30), {}, "other"), t0);
    std::vector<engine_load> loads;
    std::vector<std::uint32_t> free;
    for (const auto& each : all) {
      const auto& card = each.models[0];
      const auto held = fresh.held({each.incarnation, "echo", 1});
      loads.push_back({held, card.max_batch,
                       std::max(1u, card.capacity_rows / (2 * card.max_batch)),
                       &each.loads[0].costs});
      free.push_back(card.capacity_rows - held);
    }

    const auto reply = fresh.place(table, a_place(random(1, 30)), t0);

    if (std::all_of(free.begin(), free.end(), [](auto rows) { return rows == 0; })) continue;
    std::map<std::uint64_t, std::uint32_t> granted;
    for (const auto& each : reply.grants) granted[each.incarnation.value] += each.rows;
    EXPECT_EQ(granted, shared_out(loads, free, rows_in(reply))) << "round " << round;
  }
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
