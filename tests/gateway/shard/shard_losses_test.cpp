#include "tests/gateway/shard/losses_fixture.hpp"

#include <algorithm>

namespace coppice::gateway {

using testing::t0;

namespace {

/// Links that drop before the worker's word, which then comes late.
struct ShardLosses : testing::LossesFixture {};

TEST_F(ShardLosses, ASuspectIsHeldThoughTheWorkersWordCameAfterTheReset) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);
  EXPECT_TRUE(world.suspicions.empty());

  die(7, "crash", {attempt(0)}, t0 + 50ms);
  grant(8, 1, t0 + 50ms);
  EXPECT_EQ(world.attempts.size(), 1u) << "it waits for the judgement";
  ASSERT_EQ(world.suspicions.size(), 1u);
  judge(world.suspicions[0].suspects[0], "trial", "gateway-1", t0 + 60ms);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_TRUE(world.attempts[1].header.alone);
}

TEST_F(ShardLosses, ATrialsDeathConvictsThoughTheWordCameAfterTheReset) {
  send(1, "bad");
  grant(7, 1);
  die(7, "crash", {attempt(0)});
  judge(world.suspicions[0].suspects[0], "trial");
  grant(8, 1);
  ASSERT_EQ(world.attempts.size(), 2u);
  lose_link(8, t0);

  die(8, "crash", {attempt(1)}, t0 + 50ms);

  ASSERT_EQ(world.trials.size(), 1u);
  EXPECT_TRUE(world.trials[0].killed);
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "poison");
}

TEST_F(ShardLosses, ASuspectWhoseAttemptsAreSpentIsWatchedWhenItsClientAsksAgain) {
  send(1, "bad");
  grant(7, 1);
  die(7, "killed", {});
  grant(8, 1);
  die(8, "hang", {attempt(1)});
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "worker_lost");
  ASSERT_EQ(world.suspicions.size(), 1u);

  send(2, "bad");
  grant(9, 1);

  EXPECT_EQ(world.attempts.size(), 2u) << "it waits for the judgement";
}

TEST_F(ShardLosses, ALateWordOfAKillFromOutsideChangesNothing) {
  send(1, "any");
  grant(7, 1);
  lose_link(7, t0);

  die(7, "killed", {attempt(0)}, t0 + 50ms);
  grant(8, 1, t0 + 50ms);

  EXPECT_TRUE(world.suspicions.empty());
  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardLosses, ALateWordWatchesTheContentOfAnAtMostOnceRequestThatEnded) {
  send(1, "odd", t0, true);
  grant(7, 1);
  lose_link(7, t0);
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "unknown_outcome");

  die(7, "crash", {attempt(0)}, t0 + 50ms);

  EXPECT_EQ(world.suspicions.size(), 1u);
  send(2, "odd", t0 + 50ms);
  send(3, "other", t0 + 50ms);
  grant(8, 2, t0 + 50ms);
  ASSERT_EQ(world.attempts.size(), 2u) << "what has that content is held";
  EXPECT_EQ(world.attempts[1].header.outputs[0], "other");
  EXPECT_EQ(world.replies.size(), 1u) << "and the request keeps its one outcome";
}

TEST_F(ShardLosses, ALateWordLeavesTheAttemptThatGoesOnElsewhereAndWatchesItsContent) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);
  grant(8, 2, t0 + 20ms);
  ASSERT_EQ(world.attempts.size(), 2u);

  die(7, "crash", {attempt(0)}, t0 + 50ms);

  EXPECT_EQ(world.suspicions.size(), 1u);
  EXPECT_TRUE(world.cancels.empty());
  send(2, "odd", t0 + 50ms);
  EXPECT_EQ(world.attempts.size(), 2u) << "the second is held";
  answer(attempt(1), 8, "reply", t0 + 60ms);
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "ok");
}

TEST_F(ShardLosses, ALateWordWatchesTheContentOfARequestThatWasAnsweredElsewhere) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);
  grant(8, 2, t0 + 20ms);
  answer(attempt(1), 8, "reply", t0 + 30ms);

  die(7, "crash", {attempt(0)}, t0 + 50ms);

  EXPECT_EQ(world.suspicions.size(), 1u);
  EXPECT_EQ(world.replies.size(), 1u);
}

TEST_F(ShardLosses, ALateWordHoldsTheSuspectAlsoWhenAnEarlierGrantHasOpenedAnotherLink) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);
  send(2, "other", t0 + 20ms);
  grant(7, 1, t0 + 20ms);  // was on its way when the engine ended
  const auto sent = world.attempts.size();

  die(7, "crash", {attempt(0)}, t0 + 30ms);
  grant(8, 2, t0 + 30ms);

  EXPECT_EQ(world.suspicions.size(), 1u);
  for (auto i = sent; i < world.attempts.size(); ++i)
    EXPECT_NE(world.attempts[i].header.outputs[0], "odd") << "it waits for its judgement";
}

TEST_F(ShardLosses, ALateWordHoldsARequestThatPauses) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);
  grant(8, 1, t0 + 20ms);
  lose_link(8, t0 + 20ms);
  ASSERT_EQ(world.attempts.size(), 2u);

  die(8, "crash", {attempt(1)}, t0 + 31ms);
  gateway.on_tick(t0 + 90ms);  // its pause is over
  grant(9, 1, t0 + 90ms);

  EXPECT_EQ(world.suspicions.size(), 1u);
  EXPECT_EQ(world.attempts.size(), 2u);
}

TEST_F(ShardLosses, ALateWordBlamesOnlyWhatItNames) {
  send(1, "odd");
  send(2, "even");
  grant(7, 2);
  lose_link(7, t0);

  die(7, "crash", {attempt(1), attempt_id{12345}}, t0 + 50ms);
  grant(8, 2, t0 + 50ms);

  ASSERT_EQ(world.attempts.size(), 3u);
  EXPECT_EQ(world.attempts[2].header.outputs[0], "odd");
  ASSERT_EQ(world.suspicions.size(), 1u);
  EXPECT_EQ(world.suspicions[0].suspects.size(), 1u);
}

TEST_F(ShardLosses, ATrialThatIsTriedElsewhereAlreadyIsConvictedByALateWordAndAnsweredAllTheSame) {
  send(1, "bad");
  grant(7, 1);
  die(7, "crash", {attempt(0)});
  judge(world.suspicions[0].suspects[0], "trial");
  grant(8, 1);
  lose_link(8, t0);
  grant(9, 1, t0 + 60ms);
  gateway.on_tick(t0 + 60ms);
  grant(9, 1, t0 + 60ms);
  ASSERT_EQ(world.attempts.size(), 3u);

  die(8, "crash", {attempt(1)}, t0 + 70ms);

  ASSERT_EQ(world.trials.size(), 1u);
  EXPECT_TRUE(world.trials[0].killed);
  answer(attempt(2), 9, "reply", t0 + 80ms);
  EXPECT_EQ(code(0), "ok");
  send(2, "bad", t0 + 80ms);
  EXPECT_EQ(code(1), "poison");
  EXPECT_EQ(world.trials.size(), 1u) << "its answer does not clear what is convicted";
}

TEST_F(ShardLosses, ALateWordIsTakenForASecondAndNoLonger) {
  send(1, "odd");
  send(2, "even");
  grant(7, 1);
  lose_link(7, t0);  // known at t0 + 10 ms
  grant(8, 2, t0 + 20ms);
  lose_link(8, t0 + 20ms);  // known at t0 + 30 ms
  const auto late = t0 + 10ms + 1s;
  gateway.on_tick(late);

  die(7, "crash", {attempt(0)}, late);
  EXPECT_TRUE(world.suspicions.empty());
  gateway.on_tick(late + 20ms - 1us);
  die(8, "crash", {attempt(1)}, late + 20ms - 1us);
  EXPECT_EQ(world.suspicions.size(), 1u);
}

TEST_F(ShardLosses, AWordThatBlamesNobodyDoesNotHideTheWorkersThatDoes) {
  send(1, "odd");
  grant(7, 1);
  lose_link(7, t0);

  die(7, "lost", {}, t0 + 50ms);
  die(7, "crash", {attempt(0)}, t0 + 60ms);
  die(7, "crash", {attempt(0)}, t0 + 60ms);  // of the other scheduler

  EXPECT_EQ(world.suspicions.size(), 1u);
}

// --- more losses than the retry budget allows at once ----------------------------------------

struct ShardBeyondItsBudget : testing::LossesFixture {
  static constexpr std::uint32_t at_once = 18, rows = 30;

  ShardBeyondItsBudget() {
    for (std::uint32_t i = 0; i < rows; ++i) send(static_cast<int>(i), "r" + std::to_string(i));
    grant(7, rows);
    lose_link(7, t0);  // known at t0 + 10 ms
    grant(8, rows, t0 + 20ms);
  }
  [[nodiscard]] std::size_t tried_again() const { return world.attempts.size() - rows; }
};

TEST_F(ShardBeyondItsBudget, WhatIsLostStandsInLineForItAndGoesOnInOrder) {
  EXPECT_EQ(tried_again(), at_once);
  EXPECT_TRUE(world.replies.empty());

  gateway.on_tick(t0 + 1010ms);  // three retries a second need no success
  EXPECT_EQ(tried_again(), at_once + 3);
  EXPECT_EQ(world.attempts.back().header.outputs[0], "r20");

  for (std::size_t i = rows; i < rows + at_once; ++i) answer(attempt(i), 8, "reply", t0 + 1020ms);
  for (int i = 0; i < 20; ++i) send(100 + i, "new", t0 + 1020ms);
  gateway.on_tick(t0 + 1020ms);  // ten successes earn one, twenty requests allow one
  const auto next = std::ranges::count_if(
      world.attempts, [](const auto& each) { return each.header.outputs[0] == "r21"; });
  EXPECT_EQ(next, 2);
}

TEST_F(ShardBeyondItsBudget, WhatStoodInLineInVainIsLost) {
  gateway.on_tick(t0 + 2010ms - 1us);
  EXPECT_EQ(tried_again(), at_once + 3);
  EXPECT_TRUE(world.replies.empty());

  gateway.on_tick(t0 + 2010ms);

  ASSERT_EQ(world.replies.size(), rows - at_once - 3);
  EXPECT_EQ(code(0), "worker_lost");
}

TEST_F(ShardBeyondItsBudget, ALateWordHoldsWhatStandsInLine) {
  die(7, "crash", {attempt(rows - 1)}, t0 + 50ms);
  ASSERT_EQ(world.suspicions.size(), 1u);

  gateway.on_tick(t0 + 2010ms);

  EXPECT_EQ(world.replies.size(), rows - at_once - 3 - 1) << "the held one waits for its judgement";
}

}  // namespace

}  // namespace coppice::gateway
