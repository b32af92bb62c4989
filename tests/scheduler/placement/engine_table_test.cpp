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

  const auto told = table.engine_down({"node/engine-1", {1}, "killed by signal 11", {{5}}});
  const auto again = table.engine_down({"node/engine-1", {1}, "killed by signal 11", {{5}}});

  ASSERT_EQ(told.downs.size(), 1u);
  EXPECT_EQ(told.downs[0].suspects, std::vector{attempt_id{5}});
  EXPECT_TRUE(told.catalogue_changed);
  EXPECT_TRUE(again.downs.empty());
}

TEST(EngineTable, ANodeIsSilentAtTheLimitAndNotBefore) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  EXPECT_TRUE(table.silent(500ms, t0 + 499ms).empty());
  EXPECT_EQ(table.silent(500ms, t0 + 500ms), std::vector<std::string>{"node"});
}

TEST(EngineTable, ALostNodeComesBackWithItsNextSnapshot) {
  engine_table table;
  table.take(a_node({an_engine(1)}), t0);

  EXPECT_EQ(table.node_lost("node", "silent").downs.size(), 1u);
  EXPECT_TRUE(table.serving("echo", 0).empty());
  EXPECT_TRUE(table.silent(500ms, t0 + 1h).empty());

  table.take(a_node({an_engine(1)}, "node", 2), t0 + 1s);
  EXPECT_EQ(table.serving("echo", 0).size(), 1u);
}

TEST(EngineTable, IgnoresSnapshotsOutOfOrder) {
  engine_table table;
  table.take(a_node({an_engine(2)}, "node", 2), t0);

  const auto change = table.take(a_node({an_engine(1)}, "node", 1), t0);

  EXPECT_TRUE(change.downs.empty());
  EXPECT_EQ(table.serving("echo", 0)[0].engine->incarnation, incarnation_id{2});
}

}  // namespace

}  // namespace coppice::scheduler
