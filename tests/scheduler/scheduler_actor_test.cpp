#include "scheduler/scheduler_actor.hpp"

#include "tests/scheduler/placement/builders.hpp"
#include "tests/support/virtual_time.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

namespace coppice::scheduler {

using testing::a_node;
using testing::a_place;
using testing::an_engine;

namespace {

struct told {
  std::vector<proto::catalogue> catalogues;
  std::vector<proto::engine_down> downs;
  std::vector<proto::judgement> judgements;
  std::vector<proto::drain_notice> notices;
  std::vector<proto::drain_order> orders;
  std::vector<proto::apply_order> applied;
};

/// What a gateway was told.
proto::gateway_actor::behavior_type listening(proto::gateway_actor::pointer, told* heard) {
  return {[heard](const proto::catalogue& each) { heard->catalogues.push_back(each); },
          [heard](const proto::engine_down& each) { heard->downs.push_back(each); },
          [heard](const proto::judgement& each) { heard->judgements.push_back(each); },
          [heard](const proto::drain_notice& each) { heard->notices.push_back(each); }};
}

/// A node that is given orders.
proto::node_actor::behavior_type acknowledged(proto::node_actor::pointer, told* heard) {
  return {[](std::uint64_t) {},
          [heard](const proto::drain_order& each) { heard->orders.push_back(each); },
          [heard](const proto::apply_order& each) {
            heard->applied.push_back(each);
            proto::apply_status answer;
            answer.node = each.node;
            answer.convergence = "converging";
            return answer;
          }};
}

/// A scheduler in virtual time, with one gateway and one node.
struct SchedulerActor : ::testing::Test {
  coppice::testing::virtual_time_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& time =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  metrics registry;
  proto::scheduler_actor scheduler = spawn_scheduler(system, {}, registry);
  told heard;
  proto::gateway_actor gateway = system.spawn(listening, &heard);
  proto::node_actor node = system.spawn(acknowledged, &heard);

  ~SchedulerActor() override {
    for (const auto& each :
         {caf::actor_cast<caf::actor>(scheduler), caf::actor_cast<caf::actor>(gateway),
          caf::actor_cast<caf::actor>(node)})
      caf::anon_send_exit(each, caf::exit_reason::kill);
    time.run();
  }

  void snapshot(proto::node_snapshot snapshot) {
    caf::anon_send(scheduler, std::move(snapshot), node);
    time.run();
  }
  void join() {
    proto::gateway_state self;
    self.name = "gateway";
    caf::anon_send(scheduler, self, gateway);
    time.run();
  }
  template <class Answer, class... Question>
  Answer ask(const Question&... question) {
    caf::scoped_actor self{system};
    Answer answer;
    auto asked = self->request(scheduler, caf::infinite, question...);
    time.run();
    asked.receive([&](Answer& got) { answer = std::move(got); }, [](caf::error&) { FAIL(); });
    return answer;
  }
};

TEST_F(SchedulerActor, TellsGatewaysWhatIsServedWhenItChanges) {
  join();
  snapshot(a_node({an_engine(1)}));

  ASSERT_EQ(heard.catalogues.size(), 2u);
  EXPECT_TRUE(heard.catalogues[0].models.empty());
  EXPECT_EQ(heard.catalogues[1].models[0].name, "echo");
}

TEST_F(SchedulerActor, PassesOnTheDeathOfAnEngineAtOnce) {
  join();
  snapshot(a_node({an_engine(1)}));

  caf::anon_send(scheduler, proto::engine_down{"node/engine-1", {1}, "signal 11", {{4}}, "crash"});
  time.run();

  ASSERT_EQ(heard.downs.size(), 1u);
  EXPECT_EQ(heard.downs[0].suspects, std::vector{attempt_id{4}});
}

TEST_F(SchedulerActor, DeclaresANodeDeadAfterItsSilence) {
  join();
  snapshot(a_node({an_engine(1)}));

  for (int turn = 0; turn < 21; ++turn) {
    time.advance_time(25ms);
    time.run();
  }

  ASSERT_EQ(heard.downs.size(), 1u);
  EXPECT_EQ(heard.downs[0].reason, "its snapshots stopped");
}

TEST_F(SchedulerActor, DeclaresEnginesDeadWhenTheirWorkerProcessEnds) {
  join();
  snapshot(a_node({an_engine(1)}));

  caf::anon_send_exit(node, caf::exit_reason::kill);
  time.run();

  ASSERT_EQ(heard.downs.size(), 1u);
  EXPECT_EQ(heard.downs[0].reason, "its worker process ended");
  EXPECT_EQ(heard.downs[0].cause, "lost");
}

TEST_F(SchedulerActor, ShowsWhatItThinksOfNodesAndEngines) {
  auto engine = an_engine(1);
  engine.verdict = "hung";
  engine.last_reason = "made no progress";
  snapshot(a_node({engine}));

  const auto status = ask<proto::cluster_status>(caf::get_atom::value);

  ASSERT_EQ(status.nodes.size(), 1u);
  EXPECT_EQ(status.nodes[0].verdict, "up");
  EXPECT_EQ(status.nodes[0].engines[0].verdict, "hung");
  EXPECT_EQ(status.nodes[0].engines[0].verdict_reason, "made no progress");
}

TEST_F(SchedulerActor, PassesADrainOnToNodeAndGatewaysAndTellsItsEnd) {
  join();
  auto engine = an_engine(1);
  snapshot(a_node({engine}));
  const proto::drain_order order{"node/engine-1", true};

  EXPECT_EQ(ask<proto::drain_status>(order).state, "serving");
  ASSERT_EQ(heard.orders.size(), 1u);
  EXPECT_EQ(heard.orders[0].target, "node/engine-1");

  engine.verdict = "draining";
  snapshot(a_node({engine}, "node", 2));
  ASSERT_EQ(heard.notices.size(), 1u);
  EXPECT_EQ(heard.notices[0].incarnations, std::vector{incarnation_id{1}});
  EXPECT_EQ(ask<proto::drain_status>(order).state, "draining");

  caf::anon_send(scheduler, proto::drain_ack{"gateway", {{1}}, 0});
  time.run();
  EXPECT_EQ(ask<proto::drain_status>(order).state, "drained");
}

TEST_F(SchedulerActor, SaysWhichTargetsThereAre) {
  snapshot(a_node({an_engine(1)}));

  const auto status = ask<proto::drain_status>(proto::drain_order{"nowhere", true});

  EXPECT_EQ(status.state, "unknown");
  EXPECT_TRUE(heard.orders.empty());
}

TEST_F(SchedulerActor, PassesARevisionOnToItsNodeAndItsAnswerBack) {
  snapshot(a_node({an_engine(1)}));

  const auto answer = ask<proto::apply_status>(proto::apply_order{"node", {5, "", {}, {}}, true});

  EXPECT_EQ(answer.convergence, "converging");
  ASSERT_EQ(heard.applied.size(), 1u);
  EXPECT_EQ(heard.applied[0].desired.revision, 5u);
  EXPECT_TRUE(heard.applied[0].only_ask);
}

TEST_F(SchedulerActor, SaysThatThereIsNoNodeForARevision) {
  snapshot(a_node({an_engine(1)}));

  const auto answer =
      ask<proto::apply_status>(proto::apply_order{"nowhere", {5, "", {}, {}}, false});

  ASSERT_TRUE(answer.error);
  EXPECT_EQ(answer.error->code, "not_found");
  EXPECT_NE(answer.error->message.find("node/engine-1"), std::string::npos);
  EXPECT_TRUE(heard.applied.empty());
}

TEST_F(SchedulerActor, TellsEveryGatewayAJudgementAndANewOneWhatHolds) {
  caf::anon_send(scheduler, proto::trial_result{"gateway", {1, 1}, true});
  time.run();
  join();
  ASSERT_EQ(heard.judgements.size(), 1u);
  EXPECT_EQ(heard.judgements[0].verdict, "convicted");

  caf::anon_send(scheduler, proto::suspicion{"gateway", {{2, 2}, {3, 3}}});
  time.run();
  EXPECT_EQ(heard.judgements.size(), 3u);
}

TEST_F(SchedulerActor, TakesAGatewayThatCameBackForANewOne) {
  join();
  caf::anon_send(scheduler, proto::suspicion{"gateway", {{1, 1}}});
  time.run();
  told heard_by_next;
  const auto next = system.spawn(listening, &heard_by_next);
  proto::gateway_state self;
  self.name = "gateway";

  caf::anon_send(scheduler, self, next);
  time.run();

  EXPECT_TRUE(heard_by_next.judgements.empty());  // its trial ended with it
  EXPECT_EQ(ask<proto::cluster_status>(caf::get_atom::value).gateways.size(), 1u);
  caf::anon_send_exit(next, caf::exit_reason::kill);
}

}  // namespace

}  // namespace coppice::scheduler
