#include "gateway/gateway_actor.hpp"

#include "actors/system.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

struct virtual_time_config : actors::system_config {
  virtual_time_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("middleman.manual-multiplexing", true);
    set("middleman.workers", std::size_t{0});
  }
};

struct heard {
  std::vector<std::string> gateways;
  std::size_t places = 0;
};

/// A scheduler that grants nothing and is called `name`.
proto::scheduler_actor::behavior_type scheduling(proto::scheduler_actor::pointer, std::string name,
                                                 heard* log) {
  return {[log](const proto::gateway_state& who, const proto::gateway_actor&) {
            log->gateways.push_back(who.name);
          },
          [log](const proto::place_request&) {
            ++log->places;
            return proto::place_reply{};
          },
          [](const proto::node_snapshot&, const proto::node_actor&) {},
          [](const proto::engine_down&) {},
          [name](caf::get_atom) {
            proto::cluster_status status;
            status.scheduler = name;
            return status;
          }};
}

struct GatewayActor : ::testing::Test {
  virtual_time_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& time =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  std::vector<shard_mail> posted;
  heard first_heard, second_heard;
  gateway_self gateway =
      spawn_gateway(system, {"gateway-1", 1, "tcp://x", ""},
                    [this](shard_mail mail) { posted.push_back(std::move(mail)); });
  proto::scheduler_actor first = system.spawn(scheduling, "first", &first_heard);
  proto::scheduler_actor second = system.spawn(scheduling, "second", &second_heard);

  ~GatewayActor() override {
    for (const auto& each :
         {caf::actor_cast<caf::actor>(gateway), caf::actor_cast<caf::actor>(first),
          caf::actor_cast<caf::actor>(second)})
      caf::anon_send_exit(each, caf::exit_reason::kill);
    time.run();
  }

  template <class... Message>
  void tell(Message... message) {
    caf::anon_send(gateway, std::move(message)...);
    time.run();
  }
  template <class Mail>
  std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        posted, [](const auto& mail) { return std::holds_alternative<Mail>(mail); }));
  }
};

TEST_F(GatewayActor, TellsTheShardAtOnceThatThereIsNoScheduler) {
  tell(proto::place_request{});

  EXPECT_EQ(count<place_lost>(), 1u);
}

TEST_F(GatewayActor, IntroducesItselfAndCarriesDemandToItsHomeScheduler) {
  tell(second, std::uint32_t{1});
  tell(first, std::uint32_t{0});
  tell(proto::place_request{});

  EXPECT_EQ(first_heard.gateways, std::vector<std::string>{"gateway-1"});
  EXPECT_EQ(second_heard.gateways, std::vector<std::string>{"gateway-1"});
  EXPECT_EQ(first_heard.places, 1u);
  EXPECT_EQ(second_heard.places, 0u);
  EXPECT_EQ(count<proto::place_reply>(), 1u);
}

TEST_F(GatewayActor, GoesToTheNextSchedulerWhenItsHomeIsGone) {
  tell(first, std::uint32_t{0});
  tell(second, std::uint32_t{1});
  tell(std::uint32_t{0});
  tell(proto::place_request{});

  EXPECT_EQ(count<place_lost>(), 1u);  // the demand that was with the first
  EXPECT_EQ(second_heard.places, 1u);
}

TEST_F(GatewayActor, TellsTheShardThatASchedulerDiedWithItsDemand) {
  tell(first, std::uint32_t{0});
  caf::anon_send_exit(first, caf::exit_reason::kill);
  time.run();
  tell(proto::place_request{});

  EXPECT_EQ(count<place_lost>(), 1u);
}

TEST_F(GatewayActor, PassesOnWhatSchedulersTell) {
  tell(proto::catalogue{});
  tell(proto::engine_down{"node-1/engine-1", {7}, "was killed", {}});

  EXPECT_EQ(count<proto::catalogue>(), 1u);
  EXPECT_EQ(count<proto::engine_down>(), 1u);
}

}  // namespace

}  // namespace coppice::gateway
