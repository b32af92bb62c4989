#include "gateway/process_look.hpp"

#include "actors/system.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <future>

namespace coppice::gateway {

namespace {

/// The parts of a gateway process. Each can be frozen: it waits for `thaw` and does nothing else.
struct ProcessLook : ::testing::Test {
  metrics registry;
  shard_counts counts{registry};
  std::promise<void> thaw;
  std::shared_future<void> thawed = thaw.get_future().share();
  actors::system_config config;
  caf::actor_system system{config};
  shard_loop shard{{}, counts, [](const scheduler_mail&) {}};
  gateway_self gateway = spawn_gateway(system, {"gateway-1", 1, "tcp://x", ""},
                                       [this](const shard_mail&) { thawed.wait(); });

  ProcessLook() {
    EXPECT_TRUE(shard.bind("tcp://127.0.0.1:*"));
    shard.start([](const std::string& why) { ADD_FAILURE() << why; });
  }
  ~ProcessLook() override { caf::anon_send_exit(gateway, caf::exit_reason::kill); }

  expected<std::string> look(duration limit) { return look_at(shard, system, gateway, limit); }
};

TEST_F(ProcessLook, SaysWhatTheProcessDoes) {
  EXPECT_EQ(look(20s),
            "serving 0 models, links to 0 engines, 0 open requests, no scheduler reached");
}

TEST_F(ProcessLook, FindsAShardThatDoesNotTick) {
  shard.post(explain_order{"1", [this](const expected<proto::explanation>&) { thawed.wait(); }});

  EXPECT_EQ(look(10ms).error().message, "The shard does not tick.");
  thaw.set_value();
  EXPECT_TRUE(look(20s));
}

TEST_F(ProcessLook, FindsAnActorThatDoesNotAnswer) {
  caf::anon_send(gateway, proto::catalogue{});

  EXPECT_EQ(look(1s).error().message, "The gateway actor does not answer.");
  thaw.set_value();
  EXPECT_TRUE(look(20s));
}

}  // namespace

}  // namespace coppice::gateway
