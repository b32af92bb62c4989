#include "tests/client/session_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace coppice::client {

namespace {

using testing::another_process;
using testing::one_process;
using testing::recorder;
using testing::t0;
using Session = testing::SessionFixture;

TEST_F(Session, SendsARequestWithItsSessionItsKeyAndTheTimeLeft) {
  connect();
  asking.start(a_request(1), t0);

  const auto sent = world.take("infer");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].session, "s");
  EXPECT_EQ(sent[0].key, "s-1");
  EXPECT_EQ(sent[0].timeout_ms, 30'000u);
  EXPECT_FALSE(sent[0].again);
}

TEST_F(Session, TellsTheKeyOfARequestWhetherMadeOrGiven) {
  connect();
  std::vector<std::string> told;
  for (const auto* given : {"", "order-17"}) {
    auto made = a_request(1);
    made.header.key = given;
    made.done = [&](expected<answer_parts> got) { told.push_back(got->key); };
    asking.start(std::move(made), t0);
    reply(world.take("infer").at(0));
  }

  EXPECT_EQ(told, (std::vector<std::string>{"s-1", "order-17"}));
}

TEST_F(Session, HoldsRequestsUntilAGatewayIsConnected) {
  asking.start(a_request(1), t0);
  EXPECT_TRUE(world.sent.empty());
  asking.tick(t0);
  EXPECT_EQ(world.dialled.size(), 1u);

  asking.connected(t0 + 5ms);

  EXPECT_EQ(world.take("infer").size(), 1u);
}

TEST_F(Session, ResolvesARequestOnce) {
  connect();
  asking.start(a_request(1), t0);
  const auto sent = world.take("infer");
  reply(sent[0]);
  reply(sent[0]);

  EXPECT_EQ(outcome(1), "ok");
}

TEST_F(Session, SendsWhatIsRetryableAgainAfterTheHintWithTheSameKey) {
  connect();
  asking.start(a_request(1), t0);
  const auto first = world.take("infer");
  fail_with(first[0], errc::overloaded, t0, 200);

  asking.tick(t0 + 199ms);
  EXPECT_TRUE(world.take("infer").empty());
  asking.tick(t0 + 200ms);

  const auto again = world.take("infer");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].key, first[0].key);
  EXPECT_EQ(again[0].timeout_ms, 29'800u);
}

TEST_F(Session, SpreadsRetriesByChanceAndNeverBeforeTheHint) {
  draw = 0.9999;
  connect();
  asking.start(a_request(1), t0);
  fail_with(world.take("infer")[0], errc::overloaded, t0, 200);

  asking.tick(t0 + 299ms);
  EXPECT_TRUE(world.take("infer").empty());
  asking.tick(t0 + 300ms);
  EXPECT_EQ(world.take("infer").size(), 1u);
}

TEST_F(Session, GivesBackAtOnceWhatIsNotRetryable) {
  connect();
  asking.start(a_request(1), t0);
  fail_with(world.take("infer")[0], errc::model_error);

  EXPECT_EQ(outcome(1), "model_error");
}

TEST_F(Session, GivesBackEveryErrorWithoutRetries) {
  asking.close({});
  session plain = made({}, {"a"}, false);
  plain.tick(t0);
  plain.connected(t0);
  plain.start(a_request(1), t0);
  answer_parts parts;
  parts.header.id = world.take("infer")[0].id;
  parts.header.error = {"overloaded", "No.", true, 1};
  plain.take(std::move(parts), t0);

  EXPECT_EQ(outcome(1), "overloaded");
}

TEST_F(Session, StartsNoRetryPastTheDeadline) {
  connect();
  asking.start(a_request(1, 1s), t0);
  fail_with(world.take("infer")[0], errc::overloaded, t0, 1000);

  EXPECT_EQ(outcome(1), "overloaded");
}

TEST_F(Session, EndsWithDeadlineALittleAfterItAndNotBefore) {
  connect();
  asking.start(a_request(1, 1s), t0);

  asking.tick(t0 + 1s + 24ms);
  EXPECT_EQ(asking.open(), 1u);
  asking.tick(t0 + 1s + 25ms);

  EXPECT_EQ(outcome(1), "deadline");
}

TEST_F(Session, EndsWithDeadlineWithoutAnyGateway) {
  asking.start(a_request(1, 50ms), t0);
  asking.tick(t0 + 75ms);

  EXPECT_EQ(outcome(1), "deadline");
}

TEST_F(Session, SendsOpenWorkWithTheSameKeysToTheNextGatewayAndNeverExtendsTheDeadline) {
  connect();
  asking.start(a_request(1), t0);
  asking.start(a_request(2), t0);
  const auto first = world.take("infer");

  asking.disconnected(t0 + 10s);
  asking.tick(t0 + 10s);
  asking.connected(t0 + 10s);

  const auto again = world.take("infer");
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].key, first[0].key);
  EXPECT_EQ(again[1].key, first[1].key);
  EXPECT_TRUE(again[0].again);
  EXPECT_EQ(again[0].timeout_ms, 20'000u);
  ASSERT_EQ(world.dialled.size(), 2u);
  EXPECT_NE(world.dialled[0], world.dialled[1]);
}

TEST_F(Session, SendsNothingAgainThatRestsUntilItsTime) {
  connect();
  asking.start(a_request(1), t0);
  fail_with(world.take("infer")[0], errc::overloaded, t0, 500);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);

  asking.tick(t0 + 499ms);
  EXPECT_TRUE(world.take("infer").empty());
  asking.tick(t0 + 500ms);
  EXPECT_EQ(world.take("infer").size(), 1u);
}

TEST_F(Session, PacesWhatItSendsAgain) {
  asking.close({});
  asking = made({.sent_a_turn = 3});
  connect();
  for (int i = 1; i <= 7; ++i) asking.start(a_request(i), t0);
  asking.disconnected(t0);
  asking.tick(t0);
  world.sent.clear();
  asking.connected(t0);

  EXPECT_EQ(world.take("infer").size(), 3u);
  asking.start(a_request(8), t0);
  EXPECT_EQ(world.take("infer").size(), 0u);
  asking.tick(t0 + 5ms);
  EXPECT_EQ(world.take("infer").size(), 3u);
  asking.tick(t0 + 10ms);
  EXPECT_EQ(world.take("infer").size(), 2u);
}

TEST_F(Session, SendsWhatMayRunOnceAgainToTheSameProcessOnly) {
  connect();
  asking.start(once(1), t0);
  asking.disconnected(t0);
  asking.tick(t0 + 1s);
  asking.connected(t0 + 1s);
  world.take("infer");
  pong(one_process, t0 + 1s);

  const auto again = world.take("infer");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].again);
  EXPECT_EQ(asking.open(), 1u);
}

TEST_F(Session, EndsWhatMayRunOnceWithUnknownOutcomeAtAnotherProcess) {
  connect();
  asking.start(once(1), t0);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);
  EXPECT_EQ(asking.open(), 1u);

  pong(another_process);

  EXPECT_EQ(outcome(1), "unknown_outcome");
}

TEST_F(Session, EndsWhatMayRunOnceWithUnknownOutcomeWhereNoProcessIsNamed) {
  connect(t0, {});
  asking.start(once(1), t0);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);
  pong({});

  EXPECT_EQ(outcome(1), "unknown_outcome");
}

TEST_F(Session, SendsWhatMayRunOnceElsewhereIfItNeverRan) {
  connect();
  asking.start(once(1), t0);
  fail_with(world.take("infer")[0], errc::overloaded, t0, 10);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);
  pong(another_process);
  asking.tick(t0 + 10ms);

  EXPECT_EQ(world.take("infer").size(), 1u);
}

TEST_F(Session, RepeatsNothingThatMayRunOnceAfterALostWorker) {
  connect();
  asking.start(once(1), t0);
  fail_with(world.take("infer")[0], errc::worker_lost);

  EXPECT_EQ(outcome(1), "worker_lost");
}

TEST_F(Session, LeavesASilentGateway) {
  connect();
  asking.start(a_request(1), t0);
  for (auto at = t0; at < t0 + 800ms; at += 5ms) asking.tick(at);
  EXPECT_EQ(world.dialled.size(), 1u);

  asking.tick(t0 + 800ms);

  EXPECT_EQ(world.dialled.size(), 2u);
  world.sent.clear();
  asking.connected(t0 + 801ms);
  EXPECT_EQ(world.take("infer").size(), 1u);
}

TEST_F(Session, EndsEverythingWithUnauthenticatedWhenItIsRefused) {
  asking.start(a_request(1), t0);
  asking.tick(t0);

  asking.refused({errc::unauthenticated, "Who?", 0}, t0);

  EXPECT_EQ(outcome(1), "unauthenticated");
}

TEST_F(Session, RefusesRequestsBeyondItsLimit) {
  asking.close({});
  asking = made({.open = 1});
  asking.start(a_request(1), t0);
  asking.start(a_request(2), t0);

  EXPECT_EQ(outcome(2), "overloaded");
  EXPECT_EQ(asking.open(), 1u);
}

TEST_F(Session, CancelsHereAndInTheCluster) {
  connect();
  asking.start(a_request(1), t0);
  const auto sent = world.take("infer");

  asking.cancel(1);
  asking.cancel(1);

  EXPECT_EQ(outcome(1), "cancelled");
  const auto cancels = world.take("cancel");
  ASSERT_EQ(cancels.size(), 1u);
  EXPECT_EQ(cancels[0].id, sent[0].id);
}

TEST_F(Session, SaysUpToWhichRequestItHasEveryOutcome) {
  connect();
  for (int i = 1; i <= 3; ++i) asking.start(a_request(i), t0);
  const auto sent = world.take("infer");
  reply(sent[2]);
  asking.start(a_request(4), t0);
  EXPECT_EQ(world.take("infer")[0].acked, 0u);

  reply(sent[0]);
  asking.start(a_request(5), t0);
  EXPECT_EQ(world.take("infer")[0].acked, 1u);

  reply(sent[1]);
  asking.tick(t0 + 1s);
  const auto pings = world.take("ping");
  ASSERT_EQ(pings.size(), 1u);
  EXPECT_EQ(pings[0].acked, 3u);
}

TEST_F(Session, DropsMessagesThatAnswerNothing) {
  connect();
  asking.start(a_request(1), t0);
  answer_parts stray;
  stray.header.id = {"\xa1x"};
  asking.take(std::move(stray), t0);
  answer_parts unknown;
  unknown.header.id = {"\x63"};
  asking.take(std::move(unknown), t0);

  EXPECT_EQ(asking.open(), 1u);
}

/// Gateways that answer, refuse, forget and vanish: every request ends once and in time.
TEST_F(Session, EndsEachRequestOnceAndInTimeUnderRandomFaults) {
  std::mt19937 random{41};
  asking.close({});
  asking = made({.open = 50, .sent_a_turn = 4});
  std::map<int, steady_time> deadlines;
  std::vector<proto::request> held;
  steady_time now = t0;
  bool up = false;
  int last = 0;
  const auto check = [&](bool end) {
    for (const auto& [name, deadline] : deadlines)
      ASSERT_TRUE(!outcomes[name].empty() || (!end && now < deadline + 30ms)) << name;
  };
  for (int step = 0; step < 40'000; ++step) {
    now += 5ms;
    asking.tick(now);
    const auto dice = random() % 100;
    if (dice < 30) {
      auto request = random() % 5 == 0 ? once(++last) : a_request(++last);
      deadlines[last] = request.deadline = now + std::chrono::milliseconds{random() % 3000 + 1};
      asking.start(std::move(request), now);
    }
    std::move(world.sent.begin(), world.sent.end(), std::back_inserter(held));
    world.sent.clear();
    if (dice >= 30 && dice < 80 && up && !held.empty()) {
      const auto at = random() % held.size();
      const auto kind = random() % 10;
      if (held[at].op == "ping")
        pong(random() % 2 == 0 ? one_process : another_process, now);
      else if (kind < 7)
        reply(held[at], now);
      else
        fail_with(held[at],
                  kind == 7   ? errc::overloaded
                  : kind == 8 ? errc::worker_lost
                              : errc::invalid,
                  now);
      if (random() % 10 != 0) held.erase(held.begin() + static_cast<long>(at));
    }
    if (dice == 98 && up) asking.disconnected(now), up = false, held.clear();
    if (dice == 99 && !up && !world.dialled.empty()) asking.connected(now), up = true;
    if (held.size() > 200) held.erase(held.begin(), held.begin() + 100);
    if (step % 20 == 0) check(false);
    for (auto at = deadlines.begin(); step % 20 == 0 && at != deadlines.end();)
      at = !outcomes[at->first].empty() && now > at->second + 1s ? deadlines.erase(at)
                                                                 : std::next(at);
    ASSERT_FALSE(HasFailure()) << step;
  }
  now += 4s;
  asking.tick(now);
  check(true);
  for (const auto& [name, ends] : outcomes) ASSERT_EQ(ends.size(), 1u) << name;
}

}  // namespace
}  // namespace coppice::client
