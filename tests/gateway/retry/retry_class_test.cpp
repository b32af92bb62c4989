#include "gateway/retry/retry_class.hpp"

#include "gateway/retry/death_cause.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

using action = retry_decision::action;

struct RetryClass : ::testing::Test {
  retry_limits limits;
  tried_request request;

  RetryClass() { request.time_left = 10s; }

  [[nodiscard]] retry_decision after(attempt_end how, double draw = 0.5) const {
    return decide(limits, request, {how, errc::internal, "node-1/engine-0 was killed."}, draw);
  }
  [[nodiscard]] retry_decision after_answer(errc code) const {
    return decide(limits, request, {attempt_end::answered, code, "It said so."}, 0.5);
  }
};

TEST_F(RetryClass, ARefusalIsFreeAtOnceThenAfterAMomentThenTheEnd) {
  for (request.refusals = 1; request.refusals <= 8; ++request.refusals)
    EXPECT_EQ(after(attempt_end::refused).what, action::again);
  for (; request.refusals <= 64; ++request.refusals)
    EXPECT_EQ(after(attempt_end::refused).what, action::pause);

  const auto last = after(attempt_end::refused);
  EXPECT_EQ(last.what, action::end);
  EXPECT_EQ(last.why.code, errc::overloaded);
  EXPECT_FALSE(last.charged);
}

TEST_F(RetryClass, WhatNeverRanIsTriedAgainEvenIfAtMostOnce) {
  request.at_most_once = true;

  EXPECT_EQ(after(attempt_end::refused).what, action::again);
  EXPECT_EQ(after(attempt_end::unsent).what, action::again);
  EXPECT_EQ(after_answer(errc::unavailable).what, action::again);
}

TEST_F(RetryClass, ALostAttemptIsTriedAtOnceThenAfterADrawnPauseThenNoMore) {
  EXPECT_EQ(after(attempt_end::engine_lost).what, action::again);

  request.attempts = 2;
  EXPECT_EQ(after(attempt_end::engine_lost, 0.0).wait, 0ms);
  EXPECT_EQ(after(attempt_end::engine_lost, 0.5).what, action::pause);
  EXPECT_EQ(after(attempt_end::engine_lost, 0.5).wait, 25ms);

  request.attempts = 3;
  EXPECT_EQ(after(attempt_end::engine_lost).what, action::end);
  EXPECT_EQ(after(attempt_end::engine_lost).why.code, errc::worker_lost);
  EXPECT_EQ(after(attempt_end::engine_lost).why.message,
            "3 engines were lost under this request; the last: node-1/engine-0 was killed.");
}

TEST_F(RetryClass, OnlyTheFirstRetryAfterAConfirmedDeathIsNotCharged) {
  EXPECT_FALSE(after(attempt_end::engine_lost).charged);
  EXPECT_TRUE(after(attempt_end::link_lost).charged);

  request.attempts = 2;
  EXPECT_TRUE(after(attempt_end::engine_lost).charged);
}

TEST_F(RetryClass, ASuspectRunsAloneAndIsPoisonIfThatEndsItsEngineToo) {
  EXPECT_EQ(after(attempt_end::suspect).what, action::alone);
  EXPECT_FALSE(after(attempt_end::suspect).charged);

  request.attempts = 2;
  request.ran_alone = true;
  EXPECT_EQ(after(attempt_end::engine_lost).what, action::pause);
  for (const auto how : {attempt_end::suspect, attempt_end::hung_suspect}) {
    EXPECT_EQ(after(how).what, action::end);
    EXPECT_EQ(after(how).why.code, errc::poison);
  }
}

TEST_F(RetryClass, WhatHungRunsOnceMoreIfTheTimeLeftIsTheUsualTime) {
  request.usual_time = 2s;
  request.time_left = 2s;
  EXPECT_EQ(after(attempt_end::hung_suspect).what, action::alone);

  request.time_left = 1999ms;
  EXPECT_EQ(after(attempt_end::hung_suspect).what, action::end);
  EXPECT_EQ(after(attempt_end::hung_suspect).why.code, errc::deadline);

  request.time_left = 10s;
  request.attempts = 2;
  EXPECT_EQ(after(attempt_end::hung_suspect).why.code, errc::worker_lost);
}

TEST_F(RetryClass, AnAtMostOnceRequestThatWasSentIsNeverTriedAgain) {
  request.at_most_once = true;

  for (const auto how : {attempt_end::link_lost, attempt_end::engine_lost, attempt_end::suspect,
                         attempt_end::hung_suspect}) {
    EXPECT_EQ(after(how).what, action::end);
    EXPECT_EQ(after(how).why.code, errc::unknown_outcome);
  }
  EXPECT_EQ(after_answer(errc::internal).why.code, errc::internal);
}

TEST_F(RetryClass, AnAnswerThatIsTheSameEverywhereIsTheOutcome) {
  for (const auto code : {errc::invalid, errc::model_error, errc::quota, errc::overloaded,
                          errc::deadline, errc::cancelled, errc::forbidden, errc::poison}) {
    EXPECT_EQ(after_answer(code).what, action::end);
    EXPECT_EQ(after_answer(code).why, (error{code, "It said so.", 0}));
  }
}

TEST_F(RetryClass, AnEnginesFaultIsTriedElsewhereOnceAndCharged) {
  EXPECT_EQ(after_answer(errc::internal).what, action::again);
  EXPECT_TRUE(after_answer(errc::internal).charged);

  request.attempts = 2;
  EXPECT_EQ(after_answer(errc::internal).why.code, errc::internal);
}

TEST_F(RetryClass, AModelThatIsGoneFromAnEngineIsLookedForElsewhere) {
  request.attempts = 2;
  EXPECT_EQ(after_answer(errc::not_found).what, action::pause);

  request.attempts = 3;
  EXPECT_EQ(after_answer(errc::not_found).why.code, errc::not_found);
}

TEST(WithoutBudget, ALostRequestWaitsForItAndAnAnswerIsTheOutcome) {
  const retry_limits limits;

  const auto lost = without_budget(limits, {attempt_end::link_lost, {}, "x."});
  EXPECT_EQ(lost.what, action::owe);
  EXPECT_EQ(lost.wait, limits.budget_patience);
  EXPECT_EQ(lost.why.code, errc::worker_lost);

  const auto answered = without_budget(limits, {attempt_end::answered, errc::internal, "x."});
  EXPECT_EQ(answered.what, action::end);
  EXPECT_EQ(answered.why, (error{errc::internal, "x.", 0}));
}

TEST(DeathCause, BlamesOnlyWhatComesFromInside) {
  for (const auto* inside : {"crash", "exit", "memory", "hang"})
    EXPECT_TRUE(blames(death_cause_from(inside))) << inside;
  for (const auto* outside : {"killed", "stopped", "silent", "lost", "", "novel"})
    EXPECT_FALSE(blames(death_cause_from(outside))) << outside;
}

TEST_F(RetryClass, AnAnswerIsSettledIfEveryEngineWouldGiveIt) {
  for (const auto code : {errc::invalid, errc::model_error, errc::deadline, errc::poison})
    EXPECT_TRUE(is_settled(code));
  for (const auto code : {errc::internal, errc::worker_lost, errc::unavailable, errc::not_found})
    EXPECT_FALSE(is_settled(code));
}

}  // namespace

}  // namespace coppice::gateway
