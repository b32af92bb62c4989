#include "worker/node/node_actor.hpp"

#include "actors/system.hpp"
#include "tests/worker/node/staying_program.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <unistd.h>

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
      [](const proto::apply_order&) { return proto::apply_status{}; },
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
  const auto node = spawn_node(system, options, "http://m", registry, *find_beginning(options));

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

node_self start(caf::actor_system& system, const node_options& options, metrics& registry) {
  return spawn_node(system, options, "http://m", registry, *find_beginning(options));
}

TEST(NodeActor, ShowsADrainThatWasOrdered) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  std::promise<void> runs, drained;
  bool running = false, done = false;
  const auto scheduler = system.spawn(scheduling, [&](const proto::node_snapshot& snapshot) {
    if (snapshot.engines[0].pid > 0 && !std::exchange(running, true)) runs.set_value();
    if (snapshot.engines[0].verdict == "draining" && !std::exchange(done, true))
      drained.set_value();
  });
  const staying_program program;
  const auto node = start(system, options_with(program.path()), registry);
  proto::engine_report ready;
  ready.op = "ready";
  ready.incarnation = {7};

  caf::anon_send(node, scheduler, std::uint32_t{0});
  ASSERT_EQ(runs.get_future().wait_for(20s), std::future_status::ready);
  caf::anon_send(node, engine_reported{0, ready});
  caf::anon_send(node, proto::drain_order{"node-9/engine-0", true});

  EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
  caf::anon_send(node, stop_node{});
  EXPECT_EQ(end_of(system, node), caf::exit_reason::user_shutdown);
  caf::anon_send_exit(scheduler, caf::exit_reason::kill);
}

proto::apply_status apply(caf::actor_system& system, const node_self& node,
                          std::uint64_t revision) {
  caf::scoped_actor self{system};
  proto::apply_status answer;
  self->request(node, 20s, proto::apply_order{"node-9", {revision, "", {}, {"echo"}}, false})
      .receive([&](proto::apply_status& got) { answer = std::move(got); },
               [](caf::error& why) { FAIL() << caf::to_string(why); });
  return answer;
}

TEST(NodeActor, RefusesRevisionsWithoutAFileForThem) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  const staying_program program;
  const auto node = start(system, options_with(program.path()), registry);

  const auto answer = apply(system, node, 1);

  ASSERT_TRUE(answer.error);
  EXPECT_NE(answer.error->message.find("'state: PATH'"), std::string::npos);
  caf::anon_send(node, stop_node{});
  EXPECT_EQ(end_of(system, node), caf::exit_reason::user_shutdown);
}

/// The first engine is ready; then so is its successor of revision 1, and the first one's process
/// is stopped.
TEST(NodeActor, ReplacesItsEngineByOneOfTheRevisionThatItIsGiven) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};
  const auto file =
      std::filesystem::temp_directory_path() / ("coppice-node-state-" + std::to_string(::getpid()));
  const staying_program program;
  auto options = options_with(program.path());
  options.state = file;
  std::promise<void> runs, started, converged;
  bool running = false, starts = false, done = false;
  const auto scheduler = system.spawn(scheduling, [&](const proto::node_snapshot& snapshot) {
    if (snapshot.engines[0].pid > 0 && !std::exchange(running, true)) runs.set_value();
    const auto& last = snapshot.engines.back();
    if (last.name == "node-9/engine-0b" && last.pid > 0 && !std::exchange(starts, true))
      started.set_value();
    if (snapshot.revision == 1 && snapshot.engines.size() == 1 && !std::exchange(done, true))
      converged.set_value();
  });
  const auto node = start(system, options, registry);
  proto::engine_report ready;
  ready.op = "ready";
  ready.incarnation = {7};
  caf::anon_send(node, scheduler, std::uint32_t{0});
  ASSERT_EQ(runs.get_future().wait_for(20s), std::future_status::ready);
  caf::anon_send(node, engine_reported{0, ready});

  EXPECT_EQ(apply(system, node, 1).convergence, "converging");
  ASSERT_EQ(started.get_future().wait_for(20s), std::future_status::ready);
  caf::anon_send(node, engine_reported{1, ready});
  EXPECT_EQ(converged.get_future().wait_for(20s), std::future_status::ready);

  EXPECT_EQ(apply(system, node, 1).convergence, "converged");
  EXPECT_EQ(registry.gauge("coppice_worker_revision", "").Value(), 1);
  caf::anon_send(node, stop_node{});
  EXPECT_EQ(end_of(system, node), caf::exit_reason::user_shutdown);
  const auto kept = read_revision_record(file, "node-9", {});
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->current.revision, 1u);
  std::filesystem::remove(file);
  caf::anon_send_exit(scheduler, caf::exit_reason::kill);
}

TEST(NodeActor, GivesUpWhenEveryEngineIsInQuarantine) {
  metrics registry;  // outlives the system
  actors::system_config config;
  caf::actor_system system{config};

  const auto node = start(system, options_with("/bin/false"), registry);

  EXPECT_NE(end_of(system, node), caf::exit_reason::user_shutdown);
}

}  // namespace

}  // namespace coppice::worker
