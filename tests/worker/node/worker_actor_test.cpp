#include "worker/node/worker_actor.hpp"

#include "actors/system.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

namespace coppice::worker {

namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

/// What a node was told, by another thread.
class told {
 public:
  void add(const proto::engine_state& state) {
    const std::lock_guard lock{mutex_};
    states_.push_back(state);
    changed_.notify_all();
  }
  void add(const proto::engine_down& down) {
    const std::lock_guard lock{mutex_};
    downs_.push_back(down);
  }
  /// The first state with that verdict; fails after 20 s.
  proto::engine_state with(const std::string& verdict) {
    std::unique_lock lock{mutex_};
    const auto found = [&] {
      return std::ranges::find(states_, verdict, &proto::engine_state::verdict);
    };
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return found() != states_.end(); })) << verdict;
    return found() == states_.end() ? proto::engine_state{} : *found();
  }
  std::vector<proto::engine_down> downs() {
    const std::lock_guard lock{mutex_};
    return downs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<proto::engine_state> states_;
  std::vector<proto::engine_down> downs_;
};

node_self::behavior_type listening(node_self::pointer, told* log) {
  return {[](std::uint64_t) {},
          [log](const engine_changed& change) { log->add(change.state); },
          [log](const proto::engine_down& down) { log->add(down); },
          [](const proto::scheduler_actor&, std::uint32_t) {},
          [](std::uint32_t, bool) {},
          [](caf::tick_atom) {},
          [](caf::get_atom) { return true; }};
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
    options.restart.intensity = 2;
    options.restart.pause.base = 1ms;
    worker = spawn_worker(system, options, 0, node);
  }
  ~WorkerActor() override {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    caf::anon_send_exit(node, caf::exit_reason::kill);
  }
};

TEST_F(WorkerActor, StartsAnEngineThatEndsAgainUntilTheLimitThenGivesItUp) {
  start("/bin/false");

  const auto given_up = node_told.with("quarantined");
  EXPECT_THAT(given_up.last_reason, StartsWith("exited with status 1"));
  EXPECT_THAT(given_up.last_reason, EndsWith("given up after too many restarts"));
  EXPECT_EQ(given_up.restarts, 2u);
  EXPECT_EQ(given_up.pid, 0);
}

TEST_F(WorkerActor, TellsWhoseAttemptsAreLostBeforeItsEngineStartsAgain) {
  start("/bin/false");
  proto::engine_report ready;
  ready.op = "ready";
  ready.incarnation = {7};
  ready.endpoint = "tcp://e7";
  caf::anon_send(worker, engine_reported{ready});
  EXPECT_EQ(node_told.with("up").endpoint, "tcp://e7");
  caf::anon_send(worker, engine_ended{{"was killed", {{4}}, false}});

  node_told.with("quarantined");
  const auto downs = node_told.downs();
  ASSERT_FALSE(downs.empty());
  EXPECT_EQ(downs[0].incarnation, incarnation_id{7});
}

}  // namespace

}  // namespace coppice::worker
