#include "scheduler/process_look.hpp"

#include "actors/system.hpp"
#include "scheduler/scheduler_actor.hpp"
#include "tests/scheduler/placement/builders.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

using testing::a_node;
using testing::an_engine;

TEST(ProcessLook, CountsWhatTheSchedulerSees) {
  proto::cluster_status seen;
  seen.gateways.resize(1);
  seen.nodes = {a_node({an_engine(1), an_engine(2)}), a_node({an_engine(3)})};
  seen.nodes[1].engines[0].verdict = "hung";

  EXPECT_EQ(status_line(seen), "2 of 3 engines up on 2 nodes, 1 gateway");
}

TEST(ProcessLook, FindsASchedulerThatAnswersAndOneThatDoesNot) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  const auto scheduler = spawn_scheduler(system, {}, registry);

  EXPECT_EQ(look_at(system, scheduler, 20s), "0 of 0 engines up on 0 nodes, 0 gateways");

  caf::anon_send_exit(scheduler, caf::exit_reason::kill);
  EXPECT_EQ(look_at(system, scheduler, 20s).error().message,
            "The scheduler actor does not answer.");
}

}  // namespace

}  // namespace coppice::scheduler
