#include "worker/node/node_actor.hpp"

#include "actors/system.hpp"
#include "tests/worker/node/staying_program.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include <future>

namespace coppice::worker {

namespace {

using snapshots = std::function<void(const proto::node_snapshot&)>;

proto::scheduler_actor::behavior_type scheduling(proto::scheduler_actor::pointer, snapshots take) {
  return {
      [](const proto::gateway_state&, const proto::gateway_actor&) {},
      [](const proto::place_request&) { return proto::place_reply{}; },
      [take](const proto::node_snapshot& snapshot, const proto::node_actor&) { take(snapshot); },
      [](const proto::engine_down&) {},
      [](caf::get_atom) { return proto::cluster_status{}; },
      [](const proto::drain_order&) { return proto::drain_status{}; },
      [](const proto::drain_ack&) {},
      [](const proto::suspicion&) {},
      [](const proto::trial_result&) {}};
}

TEST(NodeActor, SendsEverySchedulerItReachesItsFullState) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  std::promise<proto::node_snapshot> settled;
  bool done = false;
  const auto scheduler = system.spawn(scheduling, [&](const proto::node_snapshot& snapshot) {
    if (snapshot.engines[1].verdict == "quarantined" && !std::exchange(done, true))
      settled.set_value(snapshot);
  });
  node_options options;
  options.name = "node-9";
  options.engines = {{}, {}};
  options.engine_program = "/bin/false";
  options.supervision.restart.intensity = 0;
  const auto node = spawn_node(system, options, "http://m", registry);

  caf::anon_send(node, scheduler, std::uint32_t{0});
  auto future = settled.get_future();
  ASSERT_EQ(future.wait_for(20s), std::future_status::ready);

  const auto snapshot = future.get();
  EXPECT_EQ(snapshot.node, "node-9");
  EXPECT_EQ(snapshot.metrics_url, "http://m");
  EXPECT_GT(snapshot.seq, 0u);
  ASSERT_EQ(snapshot.engines.size(), 2u);
  EXPECT_EQ(snapshot.engines[1].name, "node-9/engine-1");
  caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(scheduler, caf::exit_reason::kill);
}

/// The reason with which an actor ends.
caf::error end_of(caf::actor_system& system, const node_self& node) {
  caf::scoped_actor self{system};
  self->monitor(node);
  caf::error reason;
  self->receive([&](const caf::down_msg& down) { reason = down.reason; });
  return reason;
}

node_options options_with(const std::string& program) {
  node_options options;
  options.name = "node-9";
  options.engine_program = program;
  options.supervision.restart.intensity = 0;
  options.supervision.farewell = 1ms;
  return options;
}

TEST(NodeActor, ShowsADrainThatWasOrdered) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  std::promise<void> drained;
  bool done = false;
  const auto scheduler = system.spawn(scheduling, [&](const proto::node_snapshot& snapshot) {
    if (snapshot.engines[0].verdict == "draining" && !std::exchange(done, true))
      drained.set_value();
  });
  const staying_program program;
  const auto node = spawn_node(system, options_with(program.path()), "http://m", registry);
  proto::engine_report ready;
  ready.op = "ready";
  ready.incarnation = {7};

  caf::anon_send(node, scheduler, std::uint32_t{0});
  caf::anon_send(node, engine_reported{0, ready});
  caf::anon_send(node, proto::drain_order{"node-9/engine-0", true});

  EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
  caf::anon_send(node, stop_node{});
  EXPECT_EQ(end_of(system, node), caf::exit_reason::user_shutdown);
  caf::anon_send_exit(scheduler, caf::exit_reason::kill);
}

TEST(NodeActor, GivesUpWhenEveryEngineIsInQuarantine) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};

  const auto node = spawn_node(system, options_with("/bin/false"), "http://m", registry);

  EXPECT_NE(end_of(system, node), caf::exit_reason::user_shutdown);
}

}  // namespace

}  // namespace coppice::worker
