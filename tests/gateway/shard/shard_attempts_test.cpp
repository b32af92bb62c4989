#include "gateway/shard/shard.hpp"
#include "tests/gateway/shard/losses_fixture.hpp"

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::t0;

namespace {

struct ShardAttempts : testing::LossesFixture {
  void fail_last() {
    const auto& last = world.attempts.back();
    answer(last.header.attempt, last.to.value, "reply", t0, "internal");
  }
};

TEST_F(ShardAttempts, AnInnocentGoesOnAtOnceAndASuspectIsHeldAndReported) {
  send(1, "bad");
  send(2, "good");
  grant(7, 2);

  die(7, "crash", {attempt(0)});
  grant(8, 2);

  ASSERT_EQ(world.attempts.size(), 3u);
  EXPECT_EQ(world.attempts[2].header.outputs[0], "good");
  ASSERT_EQ(world.suspicions.size(), 1u);
  EXPECT_EQ(world.suspicions[0].suspects.size(), 1u);
}

TEST_F(ShardAttempts, NothingGoesToTheOtherEnginesOfANodeThatIsLost) {
  ask(1);
  grant_of("node-1/engine-0", 7, 1);
  grant_of("node-1/engine-1", 8, 1);
  gateway.on_engine_down({"node-1/engine-0", {7}, "its snapshots stopped", {}, "lost"}, t0);
  ASSERT_EQ(world.attempts.size(), 1u)
      << "the next word is of engine-1: its credit is worth nothing";

  grant_of("node-2/engine-0", 9, 1);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{9});
}

TEST_F(ShardAttempts, AnEngineThatEndsByItselfLeavesTheCreditOfItsNode) {
  ask(1);
  grant_of("node-1/engine-0", 7, 1);
  grant_of("node-1/engine-1", 8, 1);

  gateway.on_engine_down({"node-1/engine-0", {7}, "was killed by signal 9", {}, "killed"}, t0);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{8});
}

TEST_F(ShardAttempts, ATrialThatEndsItsEngineConvictsAndEveryCopyIsRefused) {
  send(1, "bad");
  grant(7, 1);
  die(7, "crash", {attempt(0)});
  send(2, "bad");
  const auto of = world.suspicions[0].suspects[0];
  judge(of, "trial");
  grant(8, 2);
  ASSERT_EQ(world.attempts.size(), 2u) << "one alone, its copy held";
  EXPECT_TRUE(world.attempts[1].header.alone);

  die(8, "crash", {attempt(1)});

  ASSERT_EQ(world.trials.size(), 1u);
  EXPECT_TRUE(world.trials[0].killed);
  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_EQ(code(0), "poison");
  EXPECT_EQ(code(1), "poison");
  send(3, "bad");
  EXPECT_EQ(code(2), "poison");
  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardAttempts, ATrialThatIsAnsweredFreesItsContent) {
  send(1, "odd");
  send(2, "odd");
  grant(7, 2);
  die(7, "crash", {attempt(0), attempt(1)});
  judge(world.suspicions[0].suspects[0], "trial");
  grant(8, 4);
  ASSERT_EQ(world.attempts.size(), 3u);

  answer(attempt(2), 8);

  ASSERT_EQ(world.trials.size(), 1u);
  EXPECT_FALSE(world.trials[0].killed);
  ASSERT_EQ(world.attempts.size(), 4u);
  EXPECT_FALSE(world.attempts[3].header.alone);
}

TEST_F(ShardAttempts, AKillFromOutsideBlamesNobody) {
  send(1, "any");
  grant(7, 1);
  die(7, "killed", {attempt(0)});
  grant(8, 1);

  EXPECT_TRUE(world.suspicions.empty());
  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_FALSE(world.attempts[1].header.alone);
}

TEST_F(ShardAttempts, WithoutASchedulersWordTheTrialIsHeldHere) {
  send(1, "odd");
  grant(7, 1);
  die(7, "exit", {attempt(0)});

  gateway.on_tick(t0 + 100ms);
  grant(8, 1, t0 + 100ms);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_TRUE(world.attempts[1].header.alone);
}

TEST_F(ShardAttempts, AHeldRequestStillEndsAtItsDeadline) {
  send(1, "odd");
  grant(7, 1);
  die(7, "crash", {attempt(0)});

  judge(world.suspicions[0].suspects[0], "trial", "another gateway");
  gateway.on_tick(t0 + 60s);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "deadline");
}

TEST_F(ShardAttempts, ADrainingEngineGetsNothingNewAndIsAcknowledged) {
  ask(1);
  grant(7, 3);
  gateway.on_drain_notice({{{7}}, {}}, t0);

  ASSERT_EQ(world.drains.size(), 1u);
  EXPECT_EQ(world.drains[0].in_flight, 1u);
  ask(2);
  EXPECT_EQ(world.attempts.size(), 1u);
  grant(7, 1);
  EXPECT_EQ(world.attempts.size(), 1u) << "a grant that was under way";

  answer(attempt(0), 7);
  EXPECT_EQ(world.attempts.size(), 1u) << "the credit that came back is not spent";
  grant(8, 1);
  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardAttempts, ADrainHoldsAsLongAsItIsRenewedAndNoLonger) {
  gateway.on_drain_notice({{{7}}, {}}, t0);
  gateway.on_drain_notice({{{7}}, {}}, t0 + 1s);
  gateway.on_tick(t0 + 2999ms);
  ask(1, t0 + 2999ms);
  grant(7, 1, t0 + 2999ms);
  EXPECT_TRUE(world.attempts.empty());

  gateway.on_tick(t0 + 3s);
  grant(7, 1, t0 + 3s);

  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardAttempts, AnEngineWhoseDrainWasTakenBackGetsWorkAgainAtOnce) {
  gateway.on_drain_notice({{{7}}, {}}, t0);
  ask(1);
  gateway.on_drain_notice({{}, {{7}}}, t0 + 10ms);
  grant(7, 1, t0 + 20ms);

  EXPECT_EQ(world.attempts.size(), 1u);
  EXPECT_EQ(world.drains.size(), 1u) << "only a drain is acknowledged";
}

TEST_F(ShardAttempts, ADrainOutlivesTheSilenceOfItsEngine) {
  ask(1, t0, 60'000);
  grant(7, 1);
  gateway.on_drain_notice({{{7}}, {}}, t0);
  gateway.on_engine_down({"engine-7", {7}, "its snapshots stopped", {}, "silent"}, t0);
  ASSERT_EQ(world.closed.size(), 1u);
  grant(7, 1);
  EXPECT_EQ(world.attempts.size(), 1u);

  gateway.on_tick(t0 + 2s);
  grant(7, 1, t0 + 2s);

  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardAttempts, DoesNotAskAtOnceAgainForCreditThatItMayNotUse) {
  gateway.on_drain_notice({{{7}}, {}}, t0);
  ask(1);
  const auto asked = world.places.size();

  grant(7, 1);
  EXPECT_EQ(world.places.size(), asked);

  gateway.on_tick(t0 + 20ms);
  EXPECT_EQ(world.places.size(), asked + 1);
}

TEST_F(ShardAttempts, AnEngineThatKeepsFailingIsLeftAloneForAWhile) {
  const auto ask_once = [&](int id) {
    auto request = a_request("echo", id);
    request.at_most_once = true;
    gateway.on_client_message(as_message(request), 5, t0);
  };
  ask_once(1);
  grant(7, 1);
  fail_last();
  for (int id = 2; id <= 5; ++id) ask_once(id), fail_last();
  ASSERT_EQ(world.replies.size(), 5u);

  ask_once(6);
  EXPECT_EQ(world.attempts.size(), 6u) << "a model is never left without an engine: a probe";
  ask_once(7);
  EXPECT_EQ(world.attempts.size(), 6u) << "one at a time";
  grant(8, 1);
  ASSERT_EQ(world.attempts.size(), 7u);
  EXPECT_EQ(world.attempts.back().to, incarnation_id{8});
}

TEST_F(ShardAttempts, AnEngineThatFailedARequestGetsItAgainOnlyWhereThereIsNoOther) {
  ask(1);
  grant(7, 2);
  grant(8, 1);
  fail_last();
  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(world.attempts[1].to, incarnation_id{8});

  ask(2);
  fail_last();
  ASSERT_EQ(world.attempts.size(), 4u);
  EXPECT_EQ(world.attempts[3].to, world.attempts[2].to) << "the other has no credit";
}

TEST_F(ShardAttempts, TheSchedulerHearsHowLongAnEngineTook) {
  ask(1);
  grant(7, 1);
  answer(attempt(0), 7, "reply", t0 + 3ms);
  ask(2, t0 + 4ms);
  ask(3, t0 + 4ms);

  ASSERT_FALSE(world.places.empty());
  const auto& held = world.places.back().holdings;
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].completed, 1u);
  EXPECT_EQ(held[0].latency_us, 3000u);
}

TEST_F(ShardAttempts, NoEngineIsSlowBecauseMuchWasPlacedThere) {
  ask(1);
  grant(7, 1);
  proto::link_reply reply;
  reply.op = "reply";
  reply.attempt = attempt(0);
  reply.incarnation = {7};
  reply.credit = 1;
  reply.times.batch_us = 9000;
  answer(reply, t0 + 12ms);
  ask(2, t0 + 13ms);
  ask(3, t0 + 13ms);

  const auto& held = world.places.back().holdings;
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].latency_us, 3000u);
}

TEST_F(ShardAttempts, WhileItNeedsNothingItAsksForAnEvenSpreadOfWhatRuns) {
  ask(1);
  grant(7, 1);

  gateway.on_tick(t0 + 500ms);

  ASSERT_EQ(world.places.size(), 2u);
  ASSERT_EQ(world.places[1].wants.size(), 1u);
  EXPECT_EQ(world.places[1].wants[0].model, "echo");
  EXPECT_EQ(world.places[1].wants[0].rows, 0u);
}

TEST_F(ShardAttempts, NoEngineIsSlowBecauseTheGatewayStoodStill) {
  gateway.on_tick(t0);
  ask(1);
  ask(2);
  grant(7, 2);
  answer(attempt(0), 7, "reply", t0 + 2s);  // before the first tick after the standstill
  gateway.on_tick(t0 + 2s);
  answer(attempt(1), 7, "reply", t0 + 2s);
  ask(3, t0 + 2s);
  answer(attempt(2), 7, "reply", t0 + 2003ms);
  gateway.on_place_reply({}, t0 + 2004ms);  // whatever was asked for meanwhile
  ask(4, t0 + 2004ms);
  ask(5, t0 + 2004ms);

  const auto& held = world.places.back().holdings;
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].completed, 1u);
  EXPECT_EQ(held[0].latency_us, 3000u);
}

}  // namespace

}  // namespace coppice::gateway
