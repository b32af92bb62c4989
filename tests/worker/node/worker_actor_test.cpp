#include "worker/node/worker_actor.hpp"

#include "actors/system.hpp"
#include "tests/support/virtual_time.hpp"
#include "tests/worker/node/staying_program.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gmock/gmock.h>

#include <future>

namespace coppice::worker {

namespace {

/// What a node was told, by another thread.
struct told {
  std::promise<engine_started> started;
  std::promise<engine_ended> ended;
};

node_self::behavior_type listening(node_self::pointer, told* log) {
  return {[](std::uint64_t) {},
          [](const proto::drain_order&) {},
          [](const proto::apply_order&) { return proto::apply_status{}; },
          [log](const engine_started& it) { log->started.set_value(it); },
          [](const engine_reported&) {},
          [](const engine_quiet&) {},
          [log](const engine_ended& it) { log->ended.set_value(it); },
          [](const record_kept&) {},
          [](const models_opened&) {},
          [](const proto::scheduler_actor&, std::uint32_t) {},
          [](std::uint32_t, bool) {},
          [](caf::tick_atom) {},
          [](const supervise&) {},
          [](const stop_node&) {},
          [](caf::get_atom) { return node_look{}; }};
}

shared_model_set no_models() { return std::make_shared<const model_set>(); }

template <class T>
T within_patience(std::promise<T>& of) {
  auto future = of.get_future();
  EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
  return future.get();
}

/// A worker actor whose engine is a program of the system.
struct WorkerActor : ::testing::Test {
  actors::system_config config;
  caf::actor_system system{config};
  told node_told;
  node_self node = system.spawn(listening, &node_told);
  worker_actor worker;

  void start(const std::string& program) {
    node_options options;
    options.engine_program = program;
    options.engines = {{}, {}};
    worker = spawn_worker(system, options, 1, node);
    caf::anon_send(worker, start_engine{no_models()});
  }
  ~WorkerActor() override {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    caf::anon_send_exit(node, caf::exit_reason::kill);
  }
};

TEST_F(WorkerActor, TellsTheNodeHowItsEngineEnded) {
  start("/bin/false");

  const auto ended = within_patience(node_told.ended);

  EXPECT_EQ(ended.k, 1u);
  EXPECT_EQ(ended.how.cause, exit_cause::exit);
  EXPECT_EQ(ended.how.reason, "exited with status 1");
}

TEST_F(WorkerActor, StopsItsEngineWhenTheNodeSaysSo) {
  const staying_program program;
  start(program.path());
  EXPECT_GT(within_patience(node_told.started).pid, 0);

  caf::anon_send(worker, stop_engine{});

  EXPECT_EQ(within_patience(node_told.ended).how.cause, exit_cause::stopped);
}

TEST(WorkerActorByHand, TheNodeHearsOfAnEndWithoutATurnOfTheWorker) {
  testing::virtual_time_config config;
  caf::actor_system system{config};
  auto& turns = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  caf::scoped_actor node{system};
  node_options options;
  options.engine_program = "/bin/false";
  const auto worker =
      spawn_worker(system, options, 0, caf::actor_cast<node_self>(caf::actor{node.ptr()}));
  caf::anon_send(worker, start_engine{no_models()});
  turns.run();

  bool ended = false, patient = true;
  // No turn from here on.
  while (!ended && patient)
    node->receive([&](const engine_ended&) { ended = true; }, [](const engine_started&) {},
                  [](const engine_quiet&) {},
                  caf::after(std::chrono::seconds{20}) >> [&] { patient = false; });

  EXPECT_TRUE(ended);
  caf::anon_send_exit(worker, caf::exit_reason::kill);
  turns.run();
}

}  // namespace

}  // namespace coppice::worker
