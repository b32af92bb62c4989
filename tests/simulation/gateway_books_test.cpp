#include "tests/simulation/gateway_books.hpp"

#include "gateway/shard/route.hpp"
#include "tests/simulation/payload.hpp"

#include <gtest/gtest.h>

namespace coppice::simulation {

namespace {

constexpr steady_time t0{1h};

proto::link_reply frame_of(const char* op, attempt_id attempt, incarnation_id incarnation) {
  proto::link_reply header;
  header.op = op;
  header.attempt = attempt;
  header.incarnation = incarnation;
  return header;
}

proto::engine_down end_of(incarnation_id incarnation, const char* cause,
                          std::vector<attempt_id> suspects = {}) {
  proto::engine_down down;
  down.incarnation = incarnation;
  down.cause = cause;
  down.suspects = std::move(suspects);
  return down;
}

struct GatewayBooks : ::testing::Test {
  scenario of = draw_scenario(1);
  auditor audit{of};
  gateway::route on{"m1", 0};
  gateway::ledger rows;
  gateway_books books{audit, rows};

  [[nodiscard]] std::optional<invariant> broken() const {
    return audit.first() ? std::optional{audit.first()->which} : std::nullopt;
  }
  void ask(std::uint64_t number, const char* tenant = "someone", steady_time now = t0) {
    books.asked(number, tenant, t0 + 1s, now);
  }
  /// Asks, and the gateway opens a row.
  row_id accept(std::uint64_t number, const char* tenant = "someone", steady_time now = t0) {
    ask(number, tenant, now);
    gateway::client_request request;
    request.bytes = 100;
    request.header.traceparent = trace_of(number);
    const auto id = rows.open(std::move(request), on, 1, now).id;
    books.handled(t0);
    return id;
  }
  void send(std::uint64_t number, attempt_id attempt, incarnation_id to) {
    books.sent(number, attempt, to, false, false, t0);
  }
  void send_alone(std::uint64_t number, attempt_id attempt, incarnation_id to) {
    books.sent(number, attempt, to, false, true, t0);
  }
  void answer(std::uint64_t number, row_id row) {
    rows.close(*rows.find(row), gateway::outcome::completed);
    books.answered(number, "");
    books.handled(t0);
  }
};

// --- outcomes ------------------------------------------------------------------------------

TEST_F(GatewayBooks, FindASecondAnswer) {
  ask(1);
  books.answered(1, "overloaded");
  EXPECT_EQ(broken(), std::nullopt);

  books.answered(1, "overloaded");

  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(GatewayBooks, CountNoAnswerThatHadNoRoom) {
  ask(1);
  books.dropped(1, "");
  books.answered(1, "overloaded");
  books.ticked(t0 + 1h);
  books.finish();
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, FindARequestThatRunsAgainBehindItsResult) {
  const auto row = accept(1);
  send(1, {10}, {7});
  books.frame(frame_of("reply", {10}, {7}));
  answer(1, row);
  EXPECT_EQ(broken(), std::nullopt);

  accept(1);

  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(GatewayBooks, LetALateCopyRunWhoseClientHasItsOutcome) {
  const auto row = accept(1);
  send(1, {10}, {7});
  books.frame(frame_of("reply", {10}, {7}));
  answer(1, row);
  audit.outcome(1, "", true, duration{0});
  accept(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, LetARequestRunAgainBehindAFailure) {
  const auto row = accept(1);
  rows.close(*rows.find(row), gateway::outcome::failed);
  books.answered(1, "overloaded");
  books.handled(t0);
  accept(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, FindARequestThatIsNeverAnswered) {
  ask(1);
  books.finish();
  EXPECT_EQ(broken(), invariant::one_outcome);
}

TEST_F(GatewayBooks, FindWhatIsOpenBehindItsDeadline) {
  ask(1);
  books.ticked(t0 + 1s + 50ms);
  EXPECT_EQ(broken(), std::nullopt);

  books.ticked(t0 + 1s + 51ms);

  EXPECT_EQ(broken(), invariant::deadline);
}

// --- fencing -------------------------------------------------------------------------------

TEST_F(GatewayBooks, TakeTheAnswerOfALiveAttempt) {
  ask(1);
  send(1, {10}, {7});
  books.frame(frame_of("reply", {10}, {7}));
  books.answered(1, "");
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, FindTheAnswerOfAFencedAttempt) {
  ask(1);
  send(1, {10}, {7});
  books.link_closed({7}, t0);
  send(1, {11}, {8});

  books.frame(frame_of("reply", {10}, {7}));
  books.answered(1, "");

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindAFailureThatAFencedAttemptBrings) {
  ask(1);
  send(1, {10}, {7});
  books.link_closed({7}, t0);

  books.frame(frame_of("reply", {10}, {7}));
  books.answered(1, "model_error");

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindTheAnswerOfAnotherIncarnation) {
  ask(1);
  send(1, {10}, {7});

  books.frame(frame_of("reply", {10}, {8}));
  books.answered(1, "");

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindTheAnswerOfAnotherRequestsAttempt) {
  ask(1);
  ask(2);
  send(1, {10}, {7});

  books.frame(frame_of("reply", {10}, {7}));
  books.answered(2, "");

  EXPECT_EQ(broken(), invariant::right_answer);
}

TEST_F(GatewayBooks, FindTokensOfAFencedAttempt) {
  ask(1);
  send(1, {10}, {7});
  books.frame(frame_of("chunk", {10}, {7}));
  books.streamed(1);
  EXPECT_EQ(broken(), std::nullopt);

  books.link_closed({7}, t0);
  books.frame(frame_of("chunk", {10}, {7}));
  books.streamed(1);

  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindAnAttemptIdThatIsUsedTwice) {
  ask(1);
  send(1, {10}, {7});
  send(1, {10}, {8});
  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindAnAttemptThatIsSentToTheKnownDead) {
  ask(1);
  books.told_down(end_of({7}, "lost"), t0);
  send(1, {10}, {7});
  EXPECT_EQ(broken(), invariant::fencing);
}

TEST_F(GatewayBooks, FindAnAttemptThatIsSentWhileADrainNoticeHolds) {
  books.drains({7}, t0 + 2s);
  ask(1);
  books.sent(1, {10}, {7}, false, false, t0 + 2s);
  EXPECT_EQ(broken(), std::nullopt);

  books.sent(1, {11}, {7}, false, false, t0 + 2s - 1ns);

  EXPECT_EQ(broken(), invariant::draining);
}

// --- cancelling ----------------------------------------------------------------------------

TEST_F(GatewayBooks, FindASecondAttemptThatGoesOnBehindTheAnswer) {
  const auto row = accept(1);
  send(1, {10}, {7});
  send(1, {11}, {8});
  books.frame(frame_of("reply", {11}, {8}));
  answer(1, row);
  EXPECT_EQ(broken(), invariant::cancelling);
}

TEST_F(GatewayBooks, TakeASecondAttemptThatIsCancelledWithTheAnswer) {
  const auto row = accept(1);
  send(1, {10}, {7});
  send(1, {11}, {8});
  books.frame(frame_of("reply", {11}, {8}));
  books.cancelled({10});
  answer(1, row);
  EXPECT_EQ(broken(), std::nullopt);
}

// --- suspects ------------------------------------------------------------------------------

TEST_F(GatewayBooks, FindASuspectThatIsSentBesideOthers) {
  ask(1);
  send(1, {10}, {7});
  books.told_down(end_of({7}, "crash", {{10}}), t0);
  send_alone(1, {11}, {8});
  EXPECT_EQ(broken(), std::nullopt);

  send(1, {12}, {8});

  EXPECT_EQ(broken(), invariant::poison);
}

TEST_F(GatewayBooks, FindASuspectThatIsSentBesideOthersBehindALateWord) {
  ask(1);
  send(1, {10}, {7});
  books.link_closed({7}, t0 - 899ms);
  books.told_down(end_of({7}, "crash", {{10}}), t0);
  send(1, {11}, {8});
  EXPECT_EQ(broken(), invariant::poison);
}

TEST_F(GatewayBooks, ExpectNothingOfAWordThatComesMuchTooLate) {
  ask(1);
  send(1, {10}, {7});
  books.link_closed({7}, t0 - 900ms);
  books.told_down(end_of({7}, "crash", {{10}}), t0);
  send(1, {11}, {8});
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, ExpectNothingOfASecondWord) {
  ask(1);
  send(1, {10}, {7});
  books.told_down(end_of({7}, "lost"), t0);
  books.link_closed({7}, t0);
  books.told_down(end_of({7}, "crash", {{10}}), t0);
  send(1, {11}, {8});
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, SuspectNobodyOfAnEngineThatWasKilled) {
  ask(1);
  send(1, {10}, {7});
  books.told_down(end_of({7}, "killed", {{10}}), t0);
  send(1, {11}, {8});
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooks, LetASuspectGoThatWasCleared) {
  ask(1);
  send(1, {10}, {7});
  books.told_down(end_of({7}, "crash", {{10}}), t0);
  books.cleared();
  send(1, {11}, {8});
  EXPECT_EQ(broken(), std::nullopt);
}

// --- attempts ------------------------------------------------------------------------------

TEST_F(GatewayBooks, AllowThreeAttemptsOfARequestAndAnyThatWereRefused) {
  ask(1);
  send(1, {10}, {7});
  books.frame(frame_of("refused", {10}, {7}));
  for (const auto id : {11, 12, 13}) send(1, {static_cast<std::uint64_t>(id)}, {7});
  EXPECT_EQ(broken(), std::nullopt);

  send(1, {14}, {7});

  EXPECT_EQ(broken(), invariant::amplification);
}

struct GatewayBooksOfLosses : GatewayBooks {
  /// Requests that had an attempt on an engine, whose link closes.
  void lose(std::uint64_t first, std::uint64_t count, incarnation_id on_engine) {
    for (auto number = first; number < first + count; ++number) {
      of.requests[number - 1].model = 0;
      accept(number);
      send(number, {100 + number}, on_engine);
    }
    books.link_closed(on_engine, t0);
    books.handled(t0);
  }
};

TEST_F(GatewayBooksOfLosses, FindMoreRetriesThanTheBudgetAllows) {
  lose(1, 19, {7});
  EXPECT_EQ(broken(), std::nullopt);

  lose(20, 3, {8});

  EXPECT_EQ(broken(), invariant::amplification);
}

TEST_F(GatewayBooksOfLosses, CountARetryWhenItLeavesTheLineAndNoneOfWhatIsHeld) {
  std::vector<row_id> ids;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    of.requests[number - 1].model = 0;
    ids.push_back(accept(number));
    send(number, {100 + number}, {7});
    if (number > 19) rows.find(ids.back())->state = gateway::row_state::owing;
  }
  books.link_closed({7}, t0);
  books.handled(t0);
  EXPECT_EQ(broken(), std::nullopt);

  for (std::size_t i = 19; i < 30; ++i) rows.find(ids[i])->state = gateway::row_state::held;
  books.handled(t0);
  EXPECT_EQ(broken(), std::nullopt);

  for (std::size_t i = 30; i < 40; ++i) rows.find(ids[i])->state = gateway::row_state::waiting;
  books.handled(t0);
  EXPECT_EQ(broken(), invariant::amplification);
}

TEST_F(GatewayBooksOfLosses, CountNoRetryOfWhatIsTriedAlone) {
  std::vector<row_id> ids;
  for (std::uint64_t number = 1; number <= 50; ++number) {
    of.requests[number - 1].model = 0;
    ids.push_back(accept(number));
    send(number, {100 + number}, {7});
    rows.find(ids.back())->alone = true;
  }
  books.link_closed({7}, t0);
  books.handled(t0);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(GatewayBooksOfLosses, CountNoRetryAfterAConfirmedDeath) {
  for (std::uint64_t number = 1; number <= 50; ++number) accept(number);
  for (std::uint64_t number = 1; number <= 50; ++number) send(number, {100 + number}, {7});
  books.told_down(end_of({7}, "lost"), t0);
  books.link_closed({7}, t0);
  books.handled(t0);
  EXPECT_EQ(broken(), std::nullopt);
}

// --- accounts ------------------------------------------------------------------------------

TEST_F(GatewayBooks, FindMoreBytesThanTheGatewayMayHold) {
  of.shard.limits.admitted_bytes = 100;
  accept(1);
  EXPECT_EQ(broken(), std::nullopt);

  accept(2);

  EXPECT_EQ(broken(), invariant::memory);
}

TEST_F(GatewayBooks, FindMoreUnreadBytesThanClientsMayLeave) {
  of.shard.limits.outgoing.total = 1'000'000;
  const std::size_t most = 1'000'000 + 80 * 1024 + 64 * 1024;
  books.unread(most, 1);
  EXPECT_EQ(broken(), std::nullopt);

  books.unread(most + 1, 1);

  EXPECT_EQ(broken(), invariant::memory);
}

TEST_F(GatewayBooks, FindATenantWithMoreOpenRequestsThanItMayHave) {
  of.shard.tenants.named["small"].open_requests = 1;
  accept(1, "small");
  accept(2, "other");
  accept(3, "other");
  EXPECT_EQ(broken(), std::nullopt);

  accept(4, "small");

  EXPECT_EQ(broken(), invariant::isolation);
}

TEST_F(GatewayBooks, FindATenantThatAsksMoreOftenThanItMay) {
  auto& limits = of.shard.tenants.named["small"];
  limits.requests_per_s = 1;
  limits.requests_burst = 2;
  for (std::uint64_t number = 1; number <= 3; ++number) accept(number, "small");
  accept(4, "small", t0 + 1s);
  EXPECT_EQ(broken(), std::nullopt);

  accept(5, "small", t0 + 1s);

  EXPECT_EQ(broken(), invariant::isolation);
}

TEST_F(GatewayBooks, FindCreditThatIsLeftWithNothingOpen) {
  proto::place_request demand;
  demand.holdings.emplace_back();
  books.placed(demand);
  books.finish();
  EXPECT_EQ(broken(), invariant::credit);
}

}  // namespace

}  // namespace coppice::simulation
