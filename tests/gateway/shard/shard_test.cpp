#include "gateway/shard/shard.hpp"

#include "tests/gateway/shard/shard_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::recorded_world;
using testing::t0;

namespace {

using Shard = testing::ShardFixture;

TEST_F(Shard, PlacesSendsAndAnswersARequest) {
  ask();
  ASSERT_EQ(world.places.size(), 1u);
  EXPECT_EQ(world.places[0].wants[0].rows, 1u);

  grant(7, 1);
  ASSERT_EQ(world.attempts.size(), 1u);
  EXPECT_EQ(world.opened, std::vector{incarnation_id{7}});

  answer(world.attempts[0].header.attempt, 7);
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "ok");
  EXPECT_TRUE(world.replies[0].final);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(Shard, SpendsCreditInHandWithoutAsking) {
  ask(1);
  grant(7, 2);
  const auto asked = world.places.size();

  ask(2);

  EXPECT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.places.size(), asked);
}

TEST_F(Shard, SendsTheNextWaitingRowWithTheCreditThatAReplyBrings) {
  ask(1);
  ask(2);
  grant(7, 1);
  ASSERT_EQ(world.attempts.size(), 1u);

  answer(world.attempts[0].header.attempt, 7);

  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(Shard, PlacesTheWorkOfADeadEngineAgain) {
  ask();
  grant(7, 1);

  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, t0);
  grant(8, 1);
  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{8});

  answer(world.attempts[1].header.attempt, 8);
  EXPECT_EQ(code(0), "ok");
}

TEST_F(Shard, KeepsOutTheReplyOfAFencedAttempt) {
  ask();
  grant(7, 1);
  const auto fenced = world.attempts[0].header.attempt;
  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, t0);
  grant(8, 1);

  answer(fenced, 7);
  answer(fenced, 8);
  EXPECT_TRUE(world.replies.empty());

  answer(world.attempts[1].header.attempt, 8);
  answer(world.attempts[1].header.attempt, 8);
  EXPECT_EQ(world.replies.size(), 1u);
}

TEST_F(Shard, GivesUpAfterThreeEnginesWereLostUnderARequest) {
  ask();
  auto at = t0;
  for (std::uint64_t incarnation = 7; incarnation < 10; ++incarnation, at += 50ms) {
    gateway.on_tick(at);  // a second retry may wait a moment
    grant(incarnation, 1, at);
    gateway.on_engine_down({"engine", {incarnation}, "was killed", {}, "killed"}, at);
  }

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "worker_lost");
}

TEST_F(Shard, StopsWithAnUnknownOutcomeForAnAtMostOnceRequestThatMayHaveRun) {
  auto request = a_request();
  request.at_most_once = true;
  gateway.on_client_message(as_message(request), 5, t0);
  grant(1, 1);
  request.id.bytes = std::string(1, 2);
  gateway.on_client_message(as_message(request), 5, t0);

  gateway.on_stop(t0 + 1ms);

  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_EQ(world.replies[0].error->code, "unknown_outcome");
  EXPECT_EQ(world.replies[1].error->code, "unavailable");
}

TEST_F(Shard, NeverTriesAnAtMostOnceRequestTwice) {
  auto request = a_request();
  request.at_most_once = true;
  gateway.on_client_message(as_message(request), 5, t0);
  grant(7, 1);

  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, t0);

  EXPECT_EQ(code(0), "unknown_outcome");
}

TEST_F(Shard, RetriesARefusalForFree) {
  ask();
  grant(7, 1);

  answer(world.attempts[0].header.attempt, 7, "refused");
  grant(8, 1);

  ASSERT_EQ(world.attempts.size(), 2u);
  answer(world.attempts[1].header.attempt, 8);
  EXPECT_EQ(world.replies[0].times->attempts, 1u);
}

TEST_F(Shard, AnswersAtTheDeadlineAndCancelsTheAttempt) {
  ask(1, t0, 50);
  grant(7, 1);

  gateway.on_tick(t0 + 49ms);
  EXPECT_TRUE(world.replies.empty());
  gateway.on_tick(t0 + 50ms);

  EXPECT_EQ(code(0), "deadline");
  EXPECT_EQ(world.cancels.size(), 1u);
}

TEST_F(Shard, CancelsOnRequestWhereverTheRowIs) {
  ask(1);
  grant(7, 1);
  auto cancel = a_request("", 1);
  cancel.op = "cancel";
  cancel.inputs.clear();

  gateway.on_client_message(as_message(cancel), 5, t0);

  EXPECT_EQ(code(0), "cancelled");
  EXPECT_EQ(world.cancels, std::vector{world.attempts[0].header.attempt});
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(Shard, CancelsTheWorkOfAClientThatIsGone) {
  ask(1);
  grant(7, 1);

  gateway.on_client_gone(6, t0);
  EXPECT_EQ(gateway.rows().open_rows(), 1u);
  gateway.on_client_gone(5, t0);

  EXPECT_EQ(gateway.rows().open_rows(), 0u);
  EXPECT_EQ(world.cancels.size(), 1u);
}

TEST_F(Shard, SaysNotFoundForAModelThatIsNotServed) {
  gateway.on_client_message(as_message(a_request("nope")), 5, t0);

  EXPECT_EQ(code(0), "not_found");
}

TEST_F(Shard, AModelWhoseOnlyEngineDrainsIsWaitedForByAGatewayThatIsNew) {
  recorded_world other_world;
  shard young{{}, other_world, nullptr};
  young.on_catalogue({{}, {{{"drained"}}}}, t0);

  young.on_client_message(as_message(a_request("drained")), 5, t0 + 3s);

  EXPECT_EQ(other_world.replies[0].error->code, "unavailable");
}

TEST_F(Shard, WhatIsUnknownRightAfterAModelWasNamedMayYetBeReported) {
  recorded_world other_world;
  shard young{{}, other_world, nullptr};
  young.on_catalogue({{}, {{{"other"}}}}, t0);
  young.on_client_message(as_message(a_request("late")), 5, t0 + 3s - 1ms);
  young.on_client_message(as_message(a_request("late")), 5, t0 + 3s);

  EXPECT_EQ(other_world.replies[0].error->code, "unavailable");
  EXPECT_EQ(other_world.replies[1].error->code, "not_found");
}

TEST_F(Shard, NoModelIsUnknownWhileNoWorkerHasNamedAny) {
  recorded_world other_world;
  shard young{{}, other_world, nullptr};
  young.on_catalogue({}, t0);
  young.on_client_message(as_message(a_request("late")), 5, t0 + 1h);

  EXPECT_EQ(other_world.replies[0].error->code, "unavailable");
}

TEST_F(Shard, SaysUnavailableWhenNoEngineComesBackInTime) {
  ask(1, t0, 60'000);
  gateway.on_place_reply({{}, {{"echo", 0, "unavailable", 50'000}}}, t0);

  gateway.on_tick(t0 + 4999ms);
  EXPECT_TRUE(world.replies.empty());
  gateway.on_tick(t0 + 5s);

  EXPECT_EQ(code(0), "unavailable");
}

TEST_F(Shard, AsksAgainWhenAPlaceIsLost) {
  ask();
  gateway.on_tick(t0 + 501ms);
  gateway.on_tick(t0 + 530ms);

  EXPECT_EQ(world.places.size(), 2u);
}

TEST_F(Shard, NeverSendsARowWhoseDeadlinePassedBetweenTicks) {
  ask(1, t0, 50);
  grant(7, 1, t0 + 50ms);

  EXPECT_TRUE(world.attempts.empty());
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "deadline");
}

TEST_F(Shard, DoesNotFailANewRowOnAnOldVerdict) {
  ask(1, t0, 60'000);
  gateway.on_place_reply({{}, {{"echo", 0, "unavailable", 50'000}}}, t0);
  gateway.on_tick(t0 + 5s);
  ASSERT_EQ(world.replies.size(), 1u);

  ask(2, t0 + 60s, 60'000);
  gateway.on_tick(t0 + 60s + 1ms);
  grant(7, 1, t0 + 60s + 2ms);

  EXPECT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(Shard, FailsARowAtOnceWhenTheVerdictThatNobodyServesItStands) {
  ask(1, t0, 60'000);
  gateway.on_place_reply({{}, {{"echo", 0, "unavailable", 50'000}}}, t0);
  gateway.on_tick(t0 + 5s);

  ask(2, t0 + 6s, 60'000);
  gateway.on_place_reply({{}, {{"echo", 0, "unavailable", 50'000}}}, t0 + 6s);
  gateway.on_tick(t0 + 6s + 5ms);

  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_EQ(code(1), "unavailable");
}

TEST_F(Shard, SpendsOnAnotherEngineWhenALinkIsGone) {
  ask(1);
  grant(7, 2);
  grant(8, 1);
  world.gone = {8};  // the engine with the least in flight

  ask(2);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{7});
}

TEST_F(Shard, RefusesOnlyTheModelWhoseQueueIsFull) {
  proto::model_card echo, other;
  echo.name = "echo", other.name = "other";
  echo.version = other.version = 1;
  echo.any_inputs = other.any_inputs = true;
  shard_options small;
  small.limits.waiting_rows = 1;
  shard narrow{small, world, nullptr};
  narrow.on_catalogue({{echo, other}, {}}, t0 - 1h);

  narrow.on_client_message(as_message(a_request("echo", 1)), 5, t0);
  narrow.on_client_message(as_message(a_request("other", 2)), 5, t0);
  EXPECT_TRUE(world.replies.empty());
  narrow.on_client_message(as_message(a_request("echo", 3)), 5, t0);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");
}

TEST_F(Shard, SendsACriticalRowPastAHeadThatNeedsMoreCredit) {
  proto::model_card echo;
  echo.name = "echo", echo.version = 1, echo.batchable = true, echo.max_batch = 8;
  gateway.on_catalogue({{echo}, {}}, t0 - 1h);
  ask(1);  // four rows
  grant(7, 2);
  ASSERT_TRUE(world.attempts.empty());

  auto urgent = a_request("echo", 2);
  urgent.priority_class = "critical";
  urgent.inputs[0].shape = {1, 4};
  gateway.on_client_message(as_message(urgent), 5, t0);

  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(Shard, RefusesTheNewestBatchRowForAMoreUrgentOne) {
  proto::model_card echo;
  echo.name = "echo", echo.version = 1, echo.any_inputs = true;
  shard_options small;
  small.limits.waiting_rows = 2;
  shard narrow{small, world, nullptr};
  narrow.on_catalogue({{echo}, {}}, t0 - 1h);
  for (const auto* each : {"batch", "batch", "critical"}) {
    auto request = a_request("echo", static_cast<int>(world.replies.size()) + 1);
    request.priority_class = each;
    narrow.on_client_message(as_message(request), 5, t0);
  }

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");
  EXPECT_EQ(narrow.rows().open_rows(), 2u);
}

struct TenantsOfAShard : Shard {
  /// Two tenants, of which `small` may have one request open.
  void set_up(const tenant_limits& limits) {
    proto::model_card echo;
    echo.name = "echo", echo.version = 1, echo.any_inputs = true;
    shard_options options;
    options.tenants.named["small"] = limits;
    both = std::make_unique<shard>(options, world, nullptr);
    both->on_catalogue({{echo}, {}}, t0 - 1h);
  }
  void ask_as(std::string_view tenant, steady_time at = t0) {
    both->on_client_message(as_message(a_request("echo", ++id)), 5, at, tenant);
  }
  std::unique_ptr<shard> both;
  int id = 0;
};

TEST_F(TenantsOfAShard, ATenantOverItsQuotaIsRefusedAndTheOthersAreNot) {
  set_up({.open_requests = 1});
  ask_as("small");
  ask_as("small");
  ask_as("large");

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "quota");
  EXPECT_EQ(both->rows().open_rows(), 2u);
}

TEST_F(TenantsOfAShard, AnOutcomeMakesRoomForTheNextRequest) {
  set_up({.open_requests = 1});
  ask_as("small");
  both->on_client_gone(5, t0);
  ask_as("small");

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "cancelled");
}

TEST_F(TenantsOfAShard, AReplyChargesItsShareOfTheBatchsComputeTime) {
  set_up({.compute_ms_per_s = 100, .compute_burst_ms = 10});
  ask_as("small");
  proto::grant given{"e", {7}, "tcp://e", "", "echo", 1, 0, 9, 1'000'000, {}};
  both->on_place_reply({{given}, {}}, t0);
  proto::link_reply reply;
  reply.op = "reply";
  reply.attempt = world.attempts[0].header.attempt;
  reply.incarnation = {7};
  reply.times.compute_us = 160'000;
  reply.batch_rows = 8;  // 20 ms of them are this row's
  frame_list message;
  message.emplace_back(std::string("engine"));
  message.emplace_back(proto::encode(reply));
  both->on_link_message(std::move(message), t0);

  ask_as("small", t0 + 100ms);
  EXPECT_EQ(code(1), "quota");
  ask_as("small", t0 + 101ms);
  EXPECT_EQ(world.replies.size(), 2u);
}

/// Any order of events gives every accepted request exactly one final reply.
TEST_F(Shard, AnswersEachRequestExactlyOnceUnderRandomEvents) {
  std::mt19937 random{11};
  auto at = t0;
  std::uint64_t engine = 1;
  std::size_t asked = 0;
  for (int step = 0; step < 20'000; ++step) {
    at += std::chrono::microseconds{random() % 3000};
    switch (random() % 8) {
      case 0:
        grant(engine, random() % 4, at);
        break;
      case 1:
        gateway.on_tick(at);
        break;
      case 2:
        if (random() % 20 == 0)
          gateway.on_engine_down({"e", {engine++}, "was killed", {}, "killed"}, at);
        break;
      case 3:
      case 4: {
        if (world.attempts.empty()) break;
        // Half of them among the latest, which are mostly live; the others are mostly fenced.
        const auto made = world.attempts.size();
        const auto back = random() % (random() % 2 == 0 ? made : std::min<std::size_t>(made, 4));
        answer(world.attempts[made - 1 - back].header.attempt, engine,
               random() % 5 == 0 ? "refused" : "reply", at);
        break;
      }
      default:
        ask(static_cast<int>(++asked % 100), at, static_cast<std::uint32_t>(1 + random() % 200));
    }
    ASSERT_EQ(world.replies.size() + gateway.rows().open_rows(), asked);
  }
  gateway.on_stop(at);
  EXPECT_EQ(world.replies.size(), asked);
  const auto& ended = gateway.rows().counts().ended;
  EXPECT_GT(ended[static_cast<int>(outcome::completed)], 100u);
  EXPECT_GT(ended[static_cast<int>(outcome::expired)], 100u);
}

TEST_F(Shard, AModelWhoseEnginesAllRestartIsWaitedForNotUnknown) {
  gateway.on_catalogue({}, t0);  // its only engine died
  ask();

  EXPECT_TRUE(world.replies.empty());
  grant(7, 1);
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(Shard, TellsAModelsInputsWhileItsEnginesRestart) {
  gateway.on_catalogue({}, t0);
  auto request = a_request("echo", 1);
  request.op = "model";
  request.inputs.clear();
  gateway.on_client_message(as_message(request), 5, t0);

  ASSERT_EQ(code(0), "ok");
  EXPECT_EQ(world.replies[0].models[0].name, "echo");
}

TEST_F(Shard, BeforeASchedulerIsReachedNothingIsKnownToBeMissing) {
  shard fresh{{}, world, nullptr};
  for (const auto* op : {"infer", "models", "model"}) {
    auto request = a_request("echo", 1);
    request.op = op;
    if (request.op != "infer") request.inputs.clear();
    fresh.on_client_message(as_message(request), 5, t0);
    EXPECT_EQ(world.replies.back().error->code, "unavailable") << op;
  }
}

}  // namespace

}  // namespace coppice::gateway
