#include "scheduler/placement/engine_table.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

using testing::a_card;
using testing::a_node;
using testing::an_engine;

namespace {

const steady_time t0{};

TEST(EngineTable, ServesTheHighestVersionUnlessOneIsNamed) {
  engine_table table;
  table.take(
      a_node({an_engine(1, {a_card(8, 4, "echo", 1)}), an_engine(2, {a_card(8, 4, "echo", 2)})}),
      t0);

  ASSERT_EQ(table.serving("echo", 0).size(), 1u);
  EXPECT_EQ(table.serving("echo", 0)[0].card->version, 2u);
  EXPECT_EQ(table.serving("echo", 1)[0].card->version, 1u);
  EXPECT_TRUE(table.serving("echo", 3).empty());
}

TEST(EngineTable, SeesLoadAndModelsOfTheLastSnapshotThoughItsEnginesAreTheSame) {
  auto busy = an_engine(1);
  busy.loads.emplace_back();
  busy.loads[0].model = "echo";
  busy.loads[0].version = 1;
  busy.loads[0].queued_rows = 3;
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);
  EXPECT_EQ(table.serving("echo", 0)[0].load, nullptr);

  table.take(a_node({busy}, "node", 2), t0);
  ASSERT_NE(table.serving("echo", 0)[0].load, nullptr);
  EXPECT_EQ(table.serving("echo", 0)[0].load->queued_rows, 3u);

  table.take(a_node({an_engine(1, {})}, "node", 3), t0);
  EXPECT_TRUE(table.serving("echo", 0).empty());
}

TEST(EngineTable, OffersOnlyEnginesThatAreUp) {
  auto starting = an_engine(1);
  starting.verdict = "starting";
  engine_table table;

  table.take(a_node({starting}), t0);

  EXPECT_TRUE(table.serving("echo", 0).empty());
  EXPECT_TRUE(table.catalogue().models.empty());
}

TEST(EngineTable, TellsWhenTheCatalogueChanges) {
  engine_table table;

  EXPECT_TRUE(table.take(a_node({an_engine(1)}), t0).catalogue_changed);
  EXPECT_FALSE(table.take(a_node({an_engine(1)}, "node", 2), t0).catalogue_changed);
  EXPECT_TRUE(table.take(a_node({}, "node", 3), t0).catalogue_changed);
}

TEST(EngineTable, NamesTheIncarnationThatASnapshotReplaced) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  const auto change = table.take(a_node({an_engine(2)}, "node", 2), t0);

  ASSERT_EQ(change.downs.size(), 1u);
  EXPECT_EQ(change.downs[0].incarnation, incarnation_id{1});
}

TEST(EngineTable, KeepsSuspectsOfAnEngineThatWentDownAndNamesItOnce) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  const proto::engine_down down{"node/engine-1", {1}, "killed by signal 11", {{5}}, "crash"};
  const auto told = table.engine_down(down);
  const auto again = table.engine_down(down);

  ASSERT_EQ(told.downs.size(), 1u);
  EXPECT_EQ(told.downs[0].suspects, std::vector{attempt_id{5}});
  EXPECT_EQ(told.downs[0].cause, "crash");
  EXPECT_TRUE(told.catalogue_changed);
  EXPECT_TRUE(again.downs.empty());
}

TEST(EngineTable, BlamesNobodyForTheEndOfALostNode) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  EXPECT_EQ(table.node_lost("node", "silent").downs.at(0).cause, "lost");
}

TEST(EngineTable, GivesNothingToAnEngineWithoutAShareAndItsShareToAnother) {
  engine_table table;
  table.take(a_node({an_engine(1), an_engine(2)}), t0);

  table.judge("node/engine-1", {"suspect", "silent", 0});
  table.judge("node/engine-2", {"probation", "new", 10});

  ASSERT_EQ(table.serving("echo", 0).size(), 1u);
  EXPECT_EQ(table.serving("echo", 0)[0].percent, 10u);
  EXPECT_EQ(table.catalogue().models.size(), 1u);

  table.judge("node/engine-1", {});
  EXPECT_EQ(table.serving("echo", 0).size(), 2u);
}

TEST(EngineTable, ShowsEnginesWithTheirStanding) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  table.judge("node/engine-1", {"probation", "it was started again", 20});

  const auto shown = table.nodes()[0].engines[0];
  EXPECT_EQ(shown.verdict, "probation");
  EXPECT_EQ(shown.verdict_reason, "it was started again");
  EXPECT_EQ(shown.capacity_percent, 20u);
}

TEST(EngineTable, KeepsThePoolOfModelsWhoseEngineIsStartedAgain) {
  engine_table table;
  table.take(a_node({an_engine(1, {a_card(8, 4, "a"), a_card(8, 4, "b")})}), t0);
  const auto pools = table.catalogue().pools;
  auto starting = an_engine(1, {});
  starting.incarnation = {};
  starting.verdict = "starting";

  table.take(a_node({starting}, "node", 2), t0);

  EXPECT_TRUE(table.catalogue().models.empty());
  EXPECT_EQ(table.catalogue().pools, pools);
  ASSERT_EQ(pools.size(), 1u);
  EXPECT_EQ(pools[0].models, (std::vector<std::string>{"a", "b"}));
}

TEST(EngineTable, TellsWhenAPoolChanges) {
  engine_table table;
  table.take(a_node({an_engine(1, {a_card(8, 4, "a")}), an_engine(2, {a_card(8, 4, "b")})}), t0);

  const auto joined =
      table.take(a_node({an_engine(1, {a_card(8, 4, "a")}), an_engine(2, {a_card(8, 4, "b")}),
                         an_engine(3, {a_card(8, 4, "a"), a_card(8, 4, "b")})},
                        "node", 2),
                 t0);

  EXPECT_TRUE(joined.catalogue_changed);
  EXPECT_EQ(table.catalogue().pools.size(), 1u);
}

TEST(EngineTable, FindsANodesEnginesAndOneEngineByTheirNames) {
  engine_table table;
  table.take(a_node({an_engine(1), an_engine(2)}), t0);

  EXPECT_EQ(table.targeted("node").size(), 2u);
  ASSERT_EQ(table.targeted("node/engine-2").size(), 1u);
  EXPECT_FALSE(table.targeted("node/engine-2")[0].lost);
  EXPECT_TRUE(table.targeted("node/engine-3").empty());

  table.node_lost("node", "silent");
  EXPECT_TRUE(table.targeted("node")[0].lost);
}

TEST(EngineTable, FindsBothEnginesOfAPlaceByTheNameOfEither) {
  auto successor = an_engine(3);
  successor.name = "node/engine-1b";
  engine_table table;
  table.take(a_node({an_engine(1), an_engine(2), successor}), t0);

  EXPECT_EQ(table.targeted("node/engine-1").size(), 2u);
  EXPECT_EQ(table.targeted("node/engine-1b").size(), 2u);
  EXPECT_EQ(table.targeted("node/engine-2b").size(), 1u);
}

TEST(EngineTable, NamesIncarnationsThatDrain) {
  auto draining = an_engine(2);
  draining.verdict = "draining";
  engine_table table;
  table.take(a_node({an_engine(1), draining}), t0);

  EXPECT_EQ(table.draining(), std::vector{incarnation_id{2}});

  table.node_lost("node", "silent");
  EXPECT_TRUE(table.draining().empty());
}

TEST(EngineTable, ForgetsALostNodeAfterItsTimeAndNotBefore) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);
  table.take(a_node({an_engine(2)}, "other"), t0);
  table.node_lost("node", "silent");

  EXPECT_TRUE(table.forget_lost(10min, t0 + 10min - 1ms).empty());
  EXPECT_EQ(table.forget_lost(10min, t0 + 10min), std::vector<std::string>{"node"});
  EXPECT_EQ(table.nodes().size(), 1u);
}

TEST(EngineTable, ALostNodeComesBackWithItsNextSnapshot) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  EXPECT_EQ(table.node_lost("node", "silent").downs.size(), 1u);
  EXPECT_TRUE(table.serving("echo", 0).empty());
  table.take(a_node({an_engine(1)}, "node", 2), t0 + 1s);
  EXPECT_EQ(table.serving("echo", 0).size(), 1u);
}

TEST(EngineTable, IgnoresSnapshotsOutOfOrder) {
  engine_table table;
  table.take(a_node({an_engine(2)}, "node", 2), t0);

  const auto change = table.take(a_node({an_engine(1)}, "node", 1), t0);

  EXPECT_FALSE(change.taken);
  EXPECT_TRUE(change.downs.empty());
  EXPECT_EQ(table.serving("echo", 0)[0].engine->incarnation, incarnation_id{2});
}

}  // namespace

}  // namespace coppice::scheduler
