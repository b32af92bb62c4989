#include "scheduler/scheduler_actor.hpp"

#include "actors/system.hpp"
#include "tests/scheduler/placement/builders.hpp"

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

struct virtual_time_config : actors::system_config {
  virtual_time_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("middleman.manual-multiplexing", true);
    set("middleman.workers", std::size_t{0});
  }
};

struct told {
  std::vector<proto::catalogue> catalogues;
  std::vector<proto::engine_down> downs;
};

/// What a gateway was told.
proto::gateway_actor::behavior_type listening(proto::gateway_actor::pointer, told* heard) {
  return {[heard](const proto::catalogue& each) { heard->catalogues.push_back(each); },
          [heard](const proto::engine_down& each) { heard->downs.push_back(each); }};
}

proto::node_actor::behavior_type acknowledged(proto::node_actor::pointer) {
  return {[](std::uint64_t) {}, [](const proto::drain_order&) {}};
}

/// A scheduler in virtual time, with one gateway and one node.
struct SchedulerActor : ::testing::Test {
  virtual_time_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& time =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  metrics registry;
  proto::scheduler_actor scheduler = spawn_scheduler(system, {}, registry);
  told heard;
  proto::gateway_actor gateway = system.spawn(listening, &heard);
  proto::node_actor node = system.spawn(acknowledged);

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

  caf::anon_send(scheduler, proto::engine_down{"node/engine-1", {1}, "signal 9", {{4}}});
  time.run();

  ASSERT_EQ(heard.downs.size(), 1u);
  EXPECT_EQ(heard.downs[0].suspects, std::vector{attempt_id{4}});
}

TEST_F(SchedulerActor, DeclaresANodeDeadAfterItsSilence) {
  join();
  snapshot(a_node({an_engine(1)}));

  for (int turn = 0; turn < 12; ++turn) {
    time.advance_time(50ms);
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
}

}  // namespace

}  // namespace coppice::scheduler
