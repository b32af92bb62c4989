#include "scheduler/drain/drain_watch.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gmock/gmock.h>

namespace coppice::scheduler {

using testing::a_node;
using testing::an_engine;

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const steady_time t0{std::chrono::hours{1}};

/// A node with two engines, "node/engine-1" and "node/engine-2", and gateways "a" and "b".
struct DrainWatch : ::testing::Test {
  engine_table engines;
  drain_watch drains;
  std::uint64_t seq = 0;

  DrainWatch() {
    drains.gateway_joined("a");
    drains.gateway_joined("b");
    show("up", "up");
  }
  void show(const std::string& first, const std::string& second, std::uint32_t queued_rows = 0) {
    auto one = an_engine(1), two = an_engine(2);
    one.verdict = first;
    two.verdict = second;
    one.loads.push_back({.model = "echo",
                         .version = 1,
                         .running_rows = 1,
                         .queued_rows = queued_rows,
                         .completed = 0,
                         .failed = 0,
                         .refused = 0,
                         .costs = {},
                         .batch_rows = {},
                         .compute_us = {},
                         .compute_us_sum = 0,
                         .releases = {}});
    if (queued_rows == 0) one.loads.clear();
    engines.take(a_node({one, two}, "node", ++seq), t0);
  }
  void acknowledge(const std::string& gateway, std::uint64_t incarnation, std::uint32_t in_flight) {
    drains.acknowledged({gateway, {{incarnation}}, in_flight});
  }
  proto::drain_status status(const std::string& target = "node/engine-1") const {
    return drains.status(target, engines);
  }
};

TEST_F(DrainWatch, NamesTheTargetsThereAreWhereOneIsUnknown) {
  const auto unknown = status("nowhere");

  EXPECT_EQ(unknown.state, "unknown");
  ASSERT_TRUE(unknown.error);
  EXPECT_EQ(unknown.error->code, "not_found");
  EXPECT_THAT(unknown.error->message,
              HasSubstr("'nowhere'. Known: node, node/engine-1, node/engine-2."));
}

TEST_F(DrainWatch, AnEngineThatIsUpServesAndNobodyIsTold) {
  EXPECT_EQ(status().state, "serving");
  EXPECT_TRUE(drains.due(engines, t0).empty());
}

TEST_F(DrainWatch, TellsEveryGatewayOfAnEngineThatDrainsAndReminds) {
  show("draining", "up");

  const auto first = drains.due(engines, t0);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].first, "a");
  EXPECT_THAT(first[0].second.incarnations, ElementsAre(incarnation_id{1}));

  EXPECT_TRUE(drains.due(engines, t0 + 199ms).empty());
  EXPECT_EQ(drains.due(engines, t0 + 200ms).size(), 2u);
}

TEST_F(DrainWatch, RemindsWhoHasNothingInFlightThereTwiceASecond) {
  show("draining", "up");
  (void)drains.due(engines, t0);

  acknowledge("a", 1, 0);
  acknowledge("b", 1, 3);

  const auto reminded = drains.due(engines, t0 + 499ms);
  ASSERT_EQ(reminded.size(), 1u);
  EXPECT_EQ(reminded[0].first, "b");
  const auto renewed = drains.due(engines, t0 + 500ms);
  ASSERT_EQ(renewed.size(), 1u);
  EXPECT_EQ(renewed[0].first, "a");
}

TEST_F(DrainWatch, TellsEveryGatewayOnceThatADrainWasTakenBack) {
  show("draining", "up");
  (void)drains.due(engines, t0);

  show("up", "up");

  const auto over = drains.due(engines, t0 + 1ms);
  ASSERT_EQ(over.size(), 2u);
  EXPECT_THAT(over[1].second.incarnations, IsEmpty());
  EXPECT_THAT(over[1].second.over, ElementsAre(incarnation_id{1}));
  EXPECT_TRUE(drains.due(engines, t0 + 1h).empty());
}

TEST_F(DrainWatch, IsDrainedOnceEveryGatewayIsClearAndNothingRuns) {
  show("draining", "up", 2);
  (void)drains.due(engines, t0);
  acknowledge("b", 1, 1);

  EXPECT_EQ(status().state, "draining");
  EXPECT_THAT(status().waiting_for, ElementsAre("node/engine-1: 3 rows running or queued",
                                                "node/engine-1: a has not acknowledged",
                                                "node/engine-1: b has 1 attempt in flight"));

  show("draining", "up");
  acknowledge("a", 1, 0);
  EXPECT_EQ(status().state, "draining");

  acknowledge("b", 1, 0);
  EXPECT_EQ(status().state, "drained");
  EXPECT_THAT(status().waiting_for, IsEmpty());
}

TEST_F(DrainWatch, WaitsForEveryEngineOfANode) {
  show("draining", "up");
  (void)drains.due(engines, t0);
  for (const auto* gateway : {"a", "b"}) acknowledge(gateway, 1, 0);

  EXPECT_EQ(status("node").state, "draining");
  EXPECT_THAT(status("node").waiting_for,
              ElementsAre("node/engine-2: its worker has not begun to drain it"));
}

TEST_F(DrainWatch, WaitsForAGatewayThatIsNew) {
  show("draining", "up");
  (void)drains.due(engines, t0);
  for (const auto* gateway : {"a", "b"}) acknowledge(gateway, 1, 0);

  drains.gateway_joined("c");

  EXPECT_EQ(status().state, "draining");
  EXPECT_EQ(drains.due(engines, t0).at(0).first, "c");
}

TEST_F(DrainWatch, DoesNotWaitForAGatewayThatIsGone) {
  show("draining", "up");
  (void)drains.due(engines, t0);
  acknowledge("a", 1, 0);

  drains.gateway_gone("b");

  EXPECT_EQ(status().state, "drained");
}

TEST_F(DrainWatch, ANodeThatIsGoneIsDrained) {
  engines.node_lost("node", "its worker process ended");

  EXPECT_EQ(status("node").state, "drained");
}

TEST_F(DrainWatch, ForgetsAcknowledgementsOnceTheEngineIsBack) {
  show("draining", "up");
  (void)drains.due(engines, t0);
  for (const auto* gateway : {"a", "b"}) acknowledge(gateway, 1, 0);
  show("up", "up");
  (void)drains.due(engines, t0);
  EXPECT_EQ(status().state, "serving");

  show("draining", "up");
  acknowledge("a", 1, 0);  // late, of the first drain
  EXPECT_EQ(status().state, "draining");
  EXPECT_EQ(drains.due(engines, t0).size(), 2u);
}

}  // namespace

}  // namespace coppice::scheduler
