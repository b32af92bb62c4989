#include "gateway/retry/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};
constexpr incarnation_id sick{7}, well{8};
/// A draw that leaves the back-off at its whole length.
constexpr double whole = 0;

struct CircuitBreakers : ::testing::Test {
  circuit_breakers breakers;

  void fail(int times, steady_time at = t0) {
    for (int i = 0; i < times; ++i) breakers.failed(sick, at, whole);
  }
  void probe_fails(steady_time at) {
    breakers.sent(sick);
    breakers.failed(sick, at, whole);
  }
};

TEST_F(CircuitBreakers, OpensAtTheFifthFailureInARow) {
  fail(4);
  EXPECT_TRUE(breakers.may_send(sick, t0));

  EXPECT_TRUE(breakers.failed(sick, t0, whole));
  EXPECT_FALSE(breakers.may_send(sick, t0));
  EXPECT_TRUE(breakers.may_send(well, t0));
  EXPECT_EQ(breakers.open(), 1u);
}

TEST_F(CircuitBreakers, StartsToCountAgainAfterASuccess) {
  fail(4);
  breakers.succeeded(sick);
  EXPECT_TRUE(breakers.empty());

  fail(4);
  EXPECT_TRUE(breakers.may_send(sick, t0));
}

TEST_F(CircuitBreakers, LetsOneProbeThroughWhenItsTimeIsOver) {
  fail(5);
  EXPECT_FALSE(breakers.may_send(sick, t0 + 499ms));
  EXPECT_TRUE(breakers.may_send(sick, t0 + 500ms));

  breakers.sent(sick);
  EXPECT_FALSE(breakers.may_send(sick, t0 + 500ms));
}

TEST_F(CircuitBreakers, ClosesWhenTheProbeSucceeds) {
  fail(5);
  breakers.sent(sick);
  breakers.succeeded(sick);

  EXPECT_TRUE(breakers.may_send(sick, t0));
  EXPECT_TRUE(breakers.may_probe());
  EXPECT_TRUE(breakers.empty());
}

TEST_F(CircuitBreakers, StaysOpenTwiceAsLongAfterAProbeThatFails) {
  fail(5);
  probe_fails(t0 + 500ms);
  EXPECT_FALSE(breakers.may_send(sick, t0 + 1499ms));
  EXPECT_TRUE(breakers.may_send(sick, t0 + 1500ms));

  for (int i = 0; i < 20; ++i) probe_fails(t0 + 2s);
  EXPECT_FALSE(breakers.may_send(sick, t0 + 31999ms));
  EXPECT_TRUE(breakers.may_send(sick, t0 + 32s));
}

TEST_F(CircuitBreakers, IsNotOpenedLongerByWhatWasSentBeforeItOpened) {
  fail(5);
  fail(3, t0 + 400ms);

  EXPECT_TRUE(breakers.may_send(sick, t0 + 500ms));
}

TEST_F(CircuitBreakers, AProbeThatSaysNothingMakesRoomForAnother) {
  fail(5);
  breakers.sent(sick);
  EXPECT_FALSE(breakers.may_probe());
  breakers.released(sick);

  EXPECT_TRUE(breakers.may_send(sick, t0 + 500ms));
  EXPECT_TRUE(breakers.may_probe());
}

TEST_F(CircuitBreakers, ForgetsAnEngineThatIsGoneWithItsProbe) {
  fail(5);
  breakers.sent(sick);
  breakers.forget(sick);

  EXPECT_TRUE(breakers.empty());
  EXPECT_TRUE(breakers.may_probe());
}

TEST(CircuitBreakersBound, CountsNoFailuresBeyondItsIncarnations) {
  circuit_breakers two{{.failures = 1, .open_for = {}, .incarnations = 2}};
  EXPECT_TRUE(two.failed({1}, t0, whole));
  EXPECT_TRUE(two.failed({2}, t0, whole));

  EXPECT_FALSE(two.failed({3}, t0, whole));
  EXPECT_TRUE(two.may_send({3}, t0));
  EXPECT_FALSE(two.may_send({2}, t0));
}

/// At most one probe an engine, and none is lost, whatever happens in whatever order.
TEST_F(CircuitBreakers, AccountsForEveryProbeUnderRandomEvents) {
  std::mt19937 random{5};
  std::set<incarnation_id> probed;
  std::size_t probes = 0;
  auto at = t0;
  for (int step = 0; step < 50'000; ++step) {
    at += std::chrono::milliseconds{random() % 50};
    const incarnation_id engine{1 + random() % 5};
    const bool closed = breakers.may_send(engine, steady_time::min());
    switch (random() % 8) {
      case 0:
      case 1:
        if (!breakers.may_send(engine, at)) break;
        breakers.sent(engine);
        if (!closed) probes += probed.insert(engine).second;
        break;
      case 2:
        breakers.succeeded(engine);
        probed.erase(engine);
        break;
      case 3:
        breakers.released(engine);
        probed.erase(engine);
        break;
      default:
        breakers.failed(engine, at, 0.5);
        probed.erase(engine);
    }
    ASSERT_EQ(breakers.may_probe(), probed.empty());
    for (const auto each : probed) ASSERT_FALSE(breakers.may_send(each, steady_time::max()));
  }
  EXPECT_GT(probes, 100u);
  for (std::uint64_t engine = 1; engine <= 5; ++engine) breakers.forget({engine});
  EXPECT_TRUE(breakers.empty());
  EXPECT_TRUE(breakers.may_probe());
}

}  // namespace

}  // namespace coppice::gateway
