#include "client/cli/node_progress.hpp"

#include <gmock/gmock.h>

namespace coppice::cli {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using stage = node_progress::stage;

proto::engine_state an_engine(const std::string& name, std::uint64_t revision,
                              std::uint64_t up_for_ms = 1000) {
  proto::engine_state engine;
  engine.name = name;
  engine.revision = revision;
  engine.up_for_ms = up_for_ms;
  return engine;
}

/// A node with revision 4 on its way to 5.
proto::node_snapshot a_node(const std::string& convergence = "converging") {
  proto::node_snapshot node;
  node.node = "n";
  node.verdict = "up";
  node.revision = 4;
  node.target_revision = 5;
  node.convergence = convergence;
  return node;
}

node_progress of(const proto::node_snapshot& node, std::uint64_t revision = 5) {
  proto::cluster_status cluster;
  cluster.nodes = {node};
  return progress_of(cluster, "n", revision);
}

TEST(NodeProgress, CountsPlacesWhoseEnginesHaveTheRevision) {
  auto node = a_node();
  node.engines = {an_engine("n/engine-0", 4), an_engine("n/engine-0b", 5),
                  an_engine("n/engine-1", 4), an_engine("n/engine-1b", 5, 0)};

  EXPECT_EQ(of(node).at, stage::waiting);
  EXPECT_EQ(of(node).text, "converging, 1 of 2 engines have revision 5");
}

TEST(NodeProgress, IsConvergedOrFailedAsTheNodeSays) {
  EXPECT_EQ(of(a_node("converged")).at, stage::converged);
  auto failed = a_node("failed");
  failed.convergence_reason = "n/engine-0b exited";

  EXPECT_EQ(of(failed).at, stage::failed);
  EXPECT_EQ(of(failed).text, "revision 5 failed: n/engine-0b exited");
}

TEST(NodeProgress, WaitsForANodeThatCannotBeSeen) {
  EXPECT_EQ(progress_of({}, "n", 5).at, stage::waiting);
  auto dead = a_node();
  dead.verdict = "dead";
  dead.verdict_reason = "its worker process ended";
  EXPECT_EQ(of(dead).at, stage::waiting);
  EXPECT_THAT(of(dead).text, HasSubstr("its worker process ended"));
  EXPECT_EQ(of(a_node("converged"), 6).at, stage::waiting) << "it has not shown it yet";
}

TEST(NodeProgress, FailsIfTheNodeWasGivenANewerRevision) {
  EXPECT_EQ(of(a_node(), 4).at, stage::failed);
  EXPECT_THAT(of(a_node(), 4).text, HasSubstr("revision 5 meanwhile"));
}

TEST(NodeProgress, KnowsWhichNodesCanBeGivenOrders) {
  auto dead = a_node();
  dead.verdict = "dead";
  dead.node = "d";
  proto::cluster_status cluster;
  cluster.nodes = {a_node(), dead};

  EXPECT_THAT(nodes_of(cluster).alive, ElementsAre("n"));
  EXPECT_THAT(nodes_of(cluster).dead, ElementsAre("d"));
}

TEST(NodeProgress, HasAWordForEachStage) {
  EXPECT_EQ(stage_name(stage::waiting), "waiting");
  EXPECT_EQ(stage_name(stage::converged), "converged");
  EXPECT_EQ(stage_name(stage::failed), "failed");
}

}  // namespace

}  // namespace coppice::cli
