#include "gateway/gateway_actor.hpp"

#include "gateway/home_order.hpp"
#include "tests/support/virtual_time.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

struct heard {
  std::vector<std::string> gateways;
  std::size_t places = 0;
  std::vector<proto::drain_order> orders;
  std::vector<proto::drain_ack> acks;
  std::vector<proto::fingerprint> suspects, tried;
  /// What it answers to an order.
  std::string drain_state = "draining";
  std::vector<proto::apply_order> applied;
  /// The error with which it answers a revision; empty: it takes it.
  std::string apply_error;
  /// Takes places and does not answer them before it is thawed by an `engine_down`.
  bool frozen = false;
  std::vector<caf::typed_response_promise<proto::place_reply>> unanswered;
};

/// A scheduler that grants nothing and is called `name`.
proto::scheduler_actor::behavior_type scheduling(proto::scheduler_actor::pointer self,
                                                 std::string name, heard* log) {
  return {[log](const proto::gateway_state& who, const proto::gateway_actor&) {
            log->gateways.push_back(who.name);
          },
          [log, self](const proto::place_request&) -> caf::result<proto::place_reply> {
            ++log->places;
            if (!log->frozen) return proto::place_reply{};
            return log->unanswered.emplace_back(self->make_response_promise<proto::place_reply>());
          },
          [](const proto::node_snapshot&, const proto::node_actor&) {},
          [log](const proto::engine_down&) {
            for (auto& promise : log->unanswered) promise.deliver(proto::place_reply{});
            log->unanswered.clear();
          },
          [name](caf::get_atom) {
            proto::cluster_status status;
            status.scheduler = name;
            return status;
          },
          [log](const proto::drain_order& order) {
            log->orders.push_back(order);
            return proto::drain_status{order.target, log->drain_state, {}, {}};
          },
          [log](const proto::apply_order& order) {
            log->applied.push_back(order);
            proto::apply_status status;
            status.node = order.node;
            if (!log->apply_error.empty())
              status.error = proto::error_body{log->apply_error, "No.", false, 0};
            return status;
          },
          [log](const proto::drain_ack& ack) { log->acks.push_back(ack); },
          [log](const proto::suspicion& told) {
            log->suspects.insert(log->suspects.end(), told.suspects.begin(), told.suspects.end());
          },
          [log](const proto::trial_result& told) { log->tried.push_back(told.of); }};
}

struct GatewayActor : ::testing::Test {
  testing::virtual_time_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& time =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  std::vector<shard_mail> posted;
  heard first_heard, second_heard;
  metrics registry;
  shard_counts counts{registry};
  gateway_self gateway = spawn_gateway(
      system, {"gateway-1", 1, "tcp://x", ""},
      [this](shard_mail mail) { posted.push_back(std::move(mail)); }, &counts);
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
  void pass(duration time_passed) {
    time.advance_time(time_passed);
    time.run();
  }
  /// A demand for a model whose home is that scheduler.
  proto::place_request demand_at(const proto::scheduler_actor& home) const {
    proto::place_request demand;
    const auto name = scheduler_name(home);
    for (int i = 0; demand.wants.empty(); ++i)
      if (const auto model = "m" + std::to_string(i);
          home_order(model, {scheduler_name(first), scheduler_name(second)}).front() == name)
        demand.wants.push_back({model, 0, 1, 1000});
    return demand;
  }
  void thaw(const proto::scheduler_actor& scheduler) {
    caf::anon_send(scheduler, proto::engine_down{});
    time.run();
  }
  void join_both() {
    tell(second, std::uint32_t{1});
    tell(first, std::uint32_t{0});
  }
  template <class Answer, class... Question>
  Answer ask(const Question&... question) {
    caf::scoped_actor self{system};
    Answer answer;
    auto asked = self->request(gateway, caf::infinite, question...);
    time.run();
    asked.receive([&](Answer& got) { answer = std::move(got); }, [](caf::error&) { FAIL(); });
    return answer;
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

TEST_F(GatewayActor, CountsTheSchedulersItIsConnectedTo) {
  EXPECT_EQ(counts.schedulers.Value(), 0);

  join_both();
  EXPECT_EQ(counts.schedulers.Value(), 2);

  tell(first, std::uint32_t{0});  // anew, as after a broken connection
  EXPECT_EQ(counts.schedulers.Value(), 2);

  tell(std::uint32_t{0});
  tell(std::uint32_t{0});
  EXPECT_EQ(counts.schedulers.Value(), 1);
}

TEST_F(GatewayActor, IntroducesItselfAndCarriesDemandToItsHomeScheduler) {
  join_both();
  tell(demand_at(first));
  tell(demand_at(second));

  EXPECT_EQ(counts.places_moved.Value(), 0);
  EXPECT_EQ(first_heard.gateways, std::vector<std::string>{"gateway-1"});
  EXPECT_EQ(second_heard.gateways, std::vector<std::string>{"gateway-1"});
  EXPECT_EQ(first_heard.places, 1u);
  EXPECT_EQ(second_heard.places, 1u);
  EXPECT_EQ(count<proto::place_reply>(), 2u);
}

TEST_F(GatewayActor, AnswersADemandOfTwoHomesOnce) {
  join_both();
  auto demand = demand_at(first);
  demand.wants.push_back(demand_at(second).wants.front());
  second_heard.frozen = true;

  tell(demand);
  EXPECT_EQ(first_heard.places + second_heard.places, 2u);
  EXPECT_EQ(count<proto::place_reply>(), 0u);

  thaw(second);
  EXPECT_EQ(count<proto::place_reply>(), 1u);
}

TEST_F(GatewayActor, FindsHomesByThePoolsOfTheCatalogue) {
  join_both();
  auto demand = demand_at(first);
  demand.wants.push_back(demand_at(second).wants.front());
  proto::catalogue all;
  all.pools.push_back({{demand.wants[0].model, demand.wants[1].model}});

  tell(all);
  tell(demand);

  EXPECT_EQ(first_heard.places + second_heard.places, 1u);
}

TEST_F(GatewayActor, GoesToTheNextSchedulerWhenItsHomeIsGone) {
  join_both();
  first_heard.frozen = true;
  const auto demand = demand_at(first);
  tell(demand);

  tell(std::uint32_t{0});

  EXPECT_EQ(second_heard.places, 1u);  // at once, the same demand
  EXPECT_EQ(counts.places_moved.Value(), 1);
  EXPECT_EQ(count<proto::place_reply>(), 1u);
  EXPECT_EQ(count<place_lost>(), 0u);
}

TEST_F(GatewayActor, GoesToTheNextSchedulerWhenItsHomeDiedWithItsDemand) {
  join_both();
  const auto demand = demand_at(first);
  caf::anon_send_exit(first, caf::exit_reason::kill);
  time.run();

  tell(demand);

  EXPECT_EQ(second_heard.places, 1u);
  EXPECT_EQ(count<proto::place_reply>(), 1u);
}

TEST_F(GatewayActor, TellsTheShardThatItsOnlySchedulerDiedWithItsDemand) {
  tell(first, std::uint32_t{0});
  caf::anon_send_exit(first, caf::exit_reason::kill);
  time.run();
  tell(proto::place_request{});

  EXPECT_EQ(count<place_lost>(), 1u);
}

TEST_F(GatewayActor, GoesToTheNextSchedulerWhenItsHomeIsFrozenFor150Ms) {
  join_both();
  first_heard.frozen = true;
  tell(demand_at(first));

  for (int turn = 0; turn < 5; ++turn) pass(25ms);
  EXPECT_EQ(second_heard.places, 0u);

  pass(25ms);
  EXPECT_EQ(second_heard.places, 1u);
  EXPECT_EQ(count<proto::place_reply>(), 1u);
}

TEST_F(GatewayActor, ComesBackToASchedulerThatAnswersAgain) {
  join_both();
  first_heard.frozen = true;
  tell(demand_at(first));
  for (int turn = 0; turn < 6; ++turn) pass(25ms);
  tell(demand_at(first));
  EXPECT_EQ(first_heard.places, 1u);
  EXPECT_EQ(ask<proto::cluster_status>(caf::get_atom::value).scheduler, "second");

  first_heard.frozen = false;
  thaw(first);
  tell(demand_at(first));

  EXPECT_EQ(first_heard.places, 2u);
  EXPECT_EQ(count<proto::place_reply>(), 3u);  // the late one is not among them
  EXPECT_EQ(ask<proto::cluster_status>(caf::get_atom::value).scheduler, "first");
}

TEST_F(GatewayActor, PassesOnWhatSchedulersTell) {
  tell(proto::catalogue{});
  tell(proto::engine_down{"node-1/engine-1", {7}, "was killed", {}, "killed"});
  tell(proto::judgement{{1, 1}, "convicted", "", 1});
  tell(proto::drain_notice{{{7}}, {}});

  EXPECT_EQ(count<proto::catalogue>(), 1u);
  EXPECT_EQ(count<proto::engine_down>(), 1u);
  EXPECT_EQ(count<proto::judgement>(), 1u);
  ASSERT_EQ(count<proto::drain_notice>(), 1u);
  EXPECT_EQ(std::get<proto::drain_notice>(posted.back()).incarnations,
            std::vector{incarnation_id{7}});
}

TEST_F(GatewayActor, PassesADrainOnToEverySchedulerAndAnswersOnceAllAreDone) {
  join_both();
  first_heard.drain_state = "drained";
  const proto::drain_order order{"node-1", true};

  EXPECT_EQ(ask<proto::drain_status>(order).state, "draining");
  EXPECT_EQ(first_heard.orders.size(), 1u);
  EXPECT_EQ(second_heard.orders.size(), 1u);

  second_heard.drain_state = "drained";
  EXPECT_EQ(ask<proto::drain_status>(order).state, "drained");
}

TEST_F(GatewayActor, SaysThatNoSchedulerCanBeReachedForADrain) {
  caf::scoped_actor self{system};
  auto asked = self->request(gateway, caf::infinite, proto::drain_order{"node-1", true});
  time.run();
  bool failed = false;
  asked.receive([](proto::drain_status&) {}, [&](caf::error&) { failed = true; });

  EXPECT_TRUE(failed);
}

TEST_F(GatewayActor, PassesAcknowledgementsOnToEveryScheduler) {
  join_both();

  tell(proto::drain_ack{"gateway-1", {{7}}, 2});

  ASSERT_EQ(first_heard.acks.size(), 1u);
  EXPECT_EQ(first_heard.acks[0].in_flight, 2u);
  EXPECT_EQ(second_heard.acks.size(), 1u);
}

TEST_F(GatewayActor, TellsSuspectsAndTrialsToOneSchedulerForEachFingerprint) {
  join_both();
  proto::suspicion told{"gateway-1", {}};
  for (std::uint64_t i = 0; i < 64; ++i) told.suspects.push_back({i, i * i});

  tell(told);
  EXPECT_EQ(first_heard.suspects.size() + second_heard.suspects.size(), 64u);
  EXPECT_GT(first_heard.suspects.size(), 0u);
  EXPECT_GT(second_heard.suspects.size(), 0u);

  for (const auto& of : told.suspects) tell(proto::trial_result{"gateway-1", of, false});
  EXPECT_EQ(first_heard.tried, first_heard.suspects);
  EXPECT_EQ(second_heard.tried, second_heard.suspects);
}

TEST_F(GatewayActor, GivesARevisionToOneScheduler) {
  join_both();

  const auto answer =
      ask<proto::apply_status>(proto::apply_order{"node-1", {5, "", {}, {}}, false});

  EXPECT_EQ(answer.node, "node-1");
  EXPECT_EQ(first_heard.applied.size(), 1u);
  EXPECT_TRUE(second_heard.applied.empty());
}

TEST_F(GatewayActor, AsksTheNextSchedulerForANodeThatTheFirstDoesNotKnow) {
  join_both();
  first_heard.apply_error = "not_found";

  EXPECT_FALSE(
      ask<proto::apply_status>(proto::apply_order{"node-1", {5, "", {}, {}}, false}).error);
  EXPECT_EQ(second_heard.applied.size(), 1u);

  second_heard.apply_error = "not_found";
  EXPECT_EQ(
      ask<proto::apply_status>(proto::apply_order{"node-1", {5, "", {}, {}}, false}).error->code,
      "not_found");
}

TEST_F(GatewayActor, DoesNotAskTwiceWhatANodeHasRefused) {
  join_both();
  first_heard.apply_error = "invalid";

  EXPECT_EQ(
      ask<proto::apply_status>(proto::apply_order{"node-1", {5, "", {}, {}}, false}).error->code,
      "invalid");
  EXPECT_TRUE(second_heard.applied.empty());
}

}  // namespace

}  // namespace coppice::gateway
