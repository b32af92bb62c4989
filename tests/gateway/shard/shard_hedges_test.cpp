#include "gateway/shard/shard.hpp"
#include "tests/gateway/shard/shard_fixture.hpp"

#include <map>
#include <random>

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::t0;

namespace {

constexpr duration after = 20ms;
/// Requests that earn more than one second attempt.
constexpr int some = 60;

proto::model_card an_echo(duration hedge_after) {
  proto::model_card card;
  card.name = "echo";
  card.version = 1;
  card.any_inputs = true;
  card.hedge_after_us = to_us(hedge_after);
  return card;
}

/// Two engines of a model that opted in, both with credit, after requests that were quick.
struct ShardHedges : testing::ShardFixture {
  ShardHedges() {
    gateway.on_catalogue({{an_echo(after)}, {}}, t0);
    ask(1);
    grant(7, 8);
    grant(8, 8);
    answer(world.attempts.back().header.attempt, world.attempts.back().to.value);
    earn();
  }
  /// Quick requests, so that there may be a second attempt.
  void earn() {
    for (int i = 0; i < some; ++i) {
      ask(1);
      answer(world.attempts.back().header.attempt, world.attempts.back().to.value);
    }
    world.attempts.clear();
    world.replies.clear();
    world.cancels.clear();
  }
  void ask_for_long(bool at_most_once = false, steady_time at = t0) {
    auto request = a_request("echo", 2);
    request.timeout_ms = 60'000;
    request.at_most_once = at_most_once;
    gateway.on_client_message(as_message(request), 5, at);
  }
  /// A request with both attempts under way.
  void ask_for_two() {
    ask_for_long();
    gateway.on_tick(t0 + after);
    ASSERT_EQ(world.attempts.size(), 2u);
  }
  [[nodiscard]] attempt_id attempt(std::size_t i) const { return world.attempts[i].header.attempt; }
  [[nodiscard]] std::uint64_t engine(std::size_t i) const { return world.attempts[i].to.value; }
  void reply_to(std::size_t i, const char* error = nullptr) {
    answer(attempt(i), engine(i), "reply", t0 + 30ms, error);
  }
  [[nodiscard]] std::uint32_t in_flight() {
    gateway.on_drain_notice({{{7}, {8}}, {}}, t0);
    return world.drains.back().in_flight;
  }
};

/// Another one, where a test looks at two cases.
struct fresh_gateway : ShardHedges {
  void TestBody() override {}
};

TEST_F(ShardHedges, ALateWordOfEitherAttemptWatchesTheContentAndLeavesTheOther) {
  for (const std::size_t lost : {0u, 1u}) {
    fresh_gateway one;
    one.ask_for_two();
    const auto gone = one.world.attempts[lost].to;
    one.gateway.on_link_reset("tcp://e" + std::to_string(gone.value), t0 + after);
    one.gateway.on_tick(t0 + after + 10ms);

    one.gateway.on_engine_down({"engine", gone, "crashed", {one.attempt(lost)}, "crash"},
                               t0 + 2 * after);

    EXPECT_EQ(one.world.suspicions.size(), 1u);
    EXPECT_TRUE(one.world.replies.empty());
    EXPECT_TRUE(one.world.cancels.empty());
    one.reply_to(1 - lost);
    ASSERT_EQ(one.world.replies.size(), 1u);
    EXPECT_EQ(one.code(0), "ok");
  }
}

TEST_F(ShardHedges, ASlowAttemptGetsASecondOneOnAnotherEngine) {
  ask_for_long();
  gateway.on_tick(t0 + after - 1us);
  EXPECT_EQ(world.attempts.size(), 1u);
  gateway.on_tick(t0 + after);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_NE(engine(0), engine(1));
  gateway.on_tick(t0 + 10 * after);
  EXPECT_EQ(world.attempts.size(), 2u) << "one second attempt, no third";
}

TEST_F(ShardHedges, TheFirstReplyWinsAndTheOtherAttemptIsCancelledAndFenced) {
  for (const std::size_t winner : {0, 1}) {
    ask_for_two();

    reply_to(winner);

    ASSERT_EQ(world.replies.size(), 1u);
    EXPECT_EQ(code(0), "ok");
    EXPECT_EQ(world.replies[0].times->attempts, 2u);
    EXPECT_EQ(world.cancels, std::vector{attempt(1 - winner)});
    reply_to(1 - winner);
    EXPECT_EQ(world.replies.size(), 1u);
    earn();
  }
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(ShardHedges, NoModelIsHedgedThatDidNotAskForIt) {
  gateway.on_catalogue({{an_echo(duration{0})}, {}}, t0);
  ask_for_long();
  gateway.on_tick(t0 + 10s);
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardHedges, WhatMayRunOnceOnlyIsNotHedged) {
  ask_for_long(true);
  gateway.on_tick(t0 + 10s);
  EXPECT_EQ(world.attempts.size(), 1u);
}

TEST_F(ShardHedges, WithoutCreditElsewhereThereIsNoSecondAttempt) {
  gateway.on_engine_down({"engine-8", {8}, "was killed", {}, "killed"}, t0);
  ask_for_long();
  gateway.on_tick(t0 + after);
  EXPECT_EQ(world.attempts.size(), 1u);
  reply_to(0);
  EXPECT_EQ(code(0), "ok");
}

TEST_F(ShardHedges, ARequestGoesOnWhereItsOtherAttemptIsWhenAnEngineIsLost) {
  for (const std::size_t lost : {0, 1}) {
    fresh_gateway fresh;
    fresh.ask_for_two();
    fresh.gateway.on_engine_down({"engine", {fresh.engine(lost)}, "was killed", {}, "killed"}, t0);
    EXPECT_EQ(fresh.world.attempts.size(), 2u);
    EXPECT_TRUE(fresh.world.replies.empty());

    fresh.reply_to(1 - lost);

    ASSERT_EQ(fresh.world.replies.size(), 1u);
    EXPECT_EQ(fresh.code(0), "ok");
  }
}

TEST_F(ShardHedges, ASuspectThatGoesOnElsewhereIsWatched) {
  ask_for_two();
  gateway.on_engine_down({"engine", {engine(0)}, "crashed", {attempt(0)}, "crash"}, t0);

  EXPECT_EQ(world.suspicions.size(), 1u);
  reply_to(1);
  EXPECT_EQ(code(0), "ok");
}

TEST_F(ShardHedges, ASecondAttemptThatIsRefusedLeavesTheFirst) {
  for (const std::size_t refused : {0, 1}) {
    fresh_gateway fresh;
    fresh.ask_for_two();
    fresh.answer(fresh.attempt(refused), fresh.engine(refused), "refused", t0 + after);
    EXPECT_EQ(fresh.world.attempts.size(), 2u);

    fresh.reply_to(1 - refused);

    ASSERT_EQ(fresh.world.replies.size(), 1u);
    EXPECT_EQ(fresh.world.replies[0].times->attempts, 1u) << "a refusal is free";
  }
}

TEST_F(ShardHedges, AFaultOfOneEngineLeavesItToTheOtherAndAnErrorOfTheModelDoesNot) {
  ask_for_two();
  reply_to(0, "internal");
  EXPECT_TRUE(world.replies.empty());
  EXPECT_EQ(world.attempts.size(), 2u);
  reply_to(1, "model_error");
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "model_error");

  fresh_gateway fresh;
  fresh.ask_for_two();
  fresh.reply_to(0, "model_error");
  EXPECT_EQ(fresh.code(0), "model_error");
  EXPECT_EQ(fresh.world.cancels, std::vector{fresh.attempt(1)});
}

TEST_F(ShardHedges, BothAttemptsAreCancelledAtTheDeadline) {
  ask_for_two();
  gateway.on_tick(t0 + 60s);
  EXPECT_EQ(world.cancels.size(), 2u);
  EXPECT_EQ(code(0), "deadline");
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(ShardHedges, WhateverIsSlowAttemptsStayBelowElevenTenthsOfTheRequests) {
  grant(7, 2'000);
  grant(8, 2'000);
  for (int i = 0; i < 1'000; ++i) ask_for_long(false, t0 + i * 1ms);
  for (int i = 0; i < 1'000; ++i) gateway.on_tick(t0 + i * 5ms);

  EXPECT_GT(world.attempts.size(), 1'000u);
  EXPECT_LE(world.attempts.size(), 1'100u);
}

/// Replies, refusals, faults, deaths and time in any order: one outcome each, and no credit is
/// lost.
TEST_F(ShardHedges, EveryRequestHasOneOutcomeUnderRandomEvents) {
  std::minstd_rand draws{3};
  auto at = t0 + 1s;
  std::uint64_t next_engine = 9;
  std::vector<std::uint64_t> engines{7, 8};
  std::map<std::string, int> outcomes;
  int asked = 0;
  const auto tell_world = [&] {
    for (const auto& each : world.replies) ++outcomes[each.id.bytes];
    world.replies.clear();
  };
  for (int i = 0; i < 20'000; ++i) {
    at += 1ms;
    const auto what = draws() % 16;
    if (what < 6) {
      auto request = a_request("echo", 1);
      const auto number = static_cast<std::uint16_t>(asked++);
      request.id.bytes =
          std::string{'\xcd', static_cast<char>(number >> 8), static_cast<char>(number & 255)};
      request.timeout_ms = 200;
      gateway.on_client_message(as_message(request), 5, at);
    } else if (what < 13 && !world.attempts.empty()) {
      const auto& to = world.attempts[world.attempts.size() - 1 -
                                      draws() % std::min<std::size_t>(world.attempts.size(), 8)];
      const char* error = draws() % 8 == 0 ? "internal" : nullptr;
      answer(to.header.attempt, to.to.value, draws() % 8 == 0 ? "refused" : "reply", at, error);
    } else if (what == 13 && draws() % 32 == 0) {
      auto& dies = engines[draws() % engines.size()];
      gateway.on_engine_down({"engine", {dies}, "was killed", {}, "killed"}, at);
      dies = next_engine++;
    }
    for (const auto each : engines)
      if (draws() % 4 == 0) grant(each, 1, at);
    gateway.on_tick(at);
    tell_world();
  }
  gateway.on_tick(at + 1s);
  tell_world();

  EXPECT_EQ(outcomes.size(), static_cast<std::size_t>(asked));
  for (const auto& [id, times] : outcomes) EXPECT_EQ(times, 1);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
  gateway.on_drain_notice({{{engines[0]}, {engines[1]}}, {}}, t0);
  EXPECT_EQ(world.drains.back().in_flight, 0u);
}

}  // namespace

}  // namespace coppice::gateway
