#include "client/gateway_watch.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace coppice::client {
namespace {

using act = gateway_watch::act;

const steady_time t0{std::chrono::hours{1}};

struct GatewayWatch : ::testing::Test {
  double draw = 0;
  gateway_watch watch = over({0, 1});

  gateway_watch over(std::vector<std::size_t> order) {
    return {std::move(order), [this] { return draw; }};
  }
  /// Looks every 5 ms, as a client does, up to `end`. @returns what it did and when.
  std::vector<std::pair<act, duration>> look(steady_time begin, steady_time end, bool busy = true) {
    std::vector<std::pair<act, duration>> acts;
    for (auto at = begin; at <= end; at += 5ms)
      if (const auto did = watch.next(at, busy); did != act::nothing)
        acts.push_back({did, at - begin});
    return acts;
  }
  void connect(steady_time at = t0) {
    ASSERT_EQ(watch.next(at, true), act::dial);
    watch.connected(at);
    ASSERT_EQ(watch.next(at, true), act::ping);
    watch.heard(at);
  }
};

TEST_F(GatewayWatch, DialsItsHomeAtOnceAndAsksWhoItIs) {
  EXPECT_EQ(watch.next(t0, false), act::dial);
  EXPECT_EQ(watch.gateway(), 0u);
  watch.connected(t0);
  EXPECT_EQ(watch.next(t0, true), act::ping);
}

TEST_F(GatewayWatch, PingsASilentGatewayWhileWorkIsOpenAndNotOtherwise) {
  connect();
  EXPECT_TRUE(look(t0 + 5ms, t0 + 295ms).empty());
  EXPECT_EQ(watch.next(t0 + 300ms, true), act::ping);
  watch.heard(t0 + 301ms);
  EXPECT_TRUE(look(t0 + 305ms, t0 + 10s, false).empty());
  EXPECT_TRUE(watch.is_connected());
}

TEST_F(GatewayWatch, PingsNoGatewayFromWhichSomethingComes) {
  connect();
  for (auto at = t0; at < t0 + 5s; at += 100ms) {
    watch.heard(at);
    EXPECT_TRUE(look(at, at + 95ms).empty());
  }
}

TEST_F(GatewayWatch, PingsAgainWhileNothingComes) {
  connect();
  EXPECT_EQ(look(t0, t0 + 795ms),
            (std::vector<std::pair<act, duration>>{{act::ping, 300ms}, {act::ping, 600ms}}));
}

TEST_F(GatewayWatch, LeavesASilentGatewayAtItsLimitAndNotBefore) {
  connect();
  (void)look(t0 + 5ms, t0 + 795ms);
  EXPECT_TRUE(watch.is_connected());

  EXPECT_EQ(watch.next(t0 + 800ms, true), act::dial);

  EXPECT_FALSE(watch.is_connected());
  EXPECT_EQ(watch.gateway(), 1u);
}

TEST_F(GatewayWatch, BlamesNoGatewayForItsOwnSleep) {
  connect();
  (void)look(t0 + 5ms, t0 + 500ms);

  EXPECT_NE(watch.next(t0 + 10s, true), act::dial);

  EXPECT_TRUE(watch.is_connected());
}

TEST_F(GatewayWatch, DoesNotCountSilenceFromBeforeTheWork) {
  connect();
  (void)look(t0 + 5ms, t0 + 10s, false);

  (void)look(t0 + 10s, t0 + 10795ms);

  EXPECT_TRUE(watch.is_connected());
}

TEST_F(GatewayWatch, MovesWorkToAnotherGatewayAtOnce) {
  connect();
  watch.lost(t0 + 20ms, true);

  EXPECT_EQ(watch.next(t0 + 20ms, true), act::dial);
  EXPECT_EQ(watch.gateway(), 1u);
}

TEST_F(GatewayWatch, PausesWhenEveryGatewayWasTried) {
  draw = 0.5;
  connect();
  watch.lost(t0, true);
  EXPECT_EQ(watch.next(t0, true), act::dial);
  watch.lost(t0, true);

  EXPECT_EQ(look(t0, t0 + 1s), (std::vector<std::pair<act, duration>>{{act::dial, 150ms}}));
}

TEST_F(GatewayWatch, PausesLongerWithEveryRoundUpToItsLimit) {
  draw = 0.999999;
  watch = over({0});
  ASSERT_EQ(watch.next(t0, true), act::dial);
  auto now = t0;
  std::vector<std::int64_t> pauses;
  for (int round = 0; round < 7; ++round) {
    watch.lost(now, true);
    const auto begin = now;
    while (watch.next(now, true) != act::dial) now += 5ms;
    pauses.push_back((now - begin) / 100ms);
  }
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{2, 4, 8, 16, 32, 50, 50}));
}

TEST_F(GatewayWatch, NeverPausesLessThanTheLeast) {
  watch = over({0});
  (void)watch.next(t0, true);
  watch.lost(t0, true);

  EXPECT_EQ(look(t0, t0 + 95ms).size(), 0u);
  EXPECT_EQ(watch.next(t0 + 100ms, true), act::dial);
}

TEST_F(GatewayWatch, WithoutWorkReturnsByChance) {
  draw = 0.5;
  connect();
  (void)watch.next(t0 + 5ms, false);
  watch.lost(t0 + 5ms, false);

  EXPECT_EQ(look(t0 + 5ms, t0 + 1s, false).size(), 1u);
}

TEST_F(GatewayWatch, DialsSoonWhenWorkComesWhileItPauses) {
  draw = 0.999999;
  watch = over({0});
  for (int i = 0; i < 8; ++i) {
    (void)watch.next(t0 + i * 6s, false);
    watch.lost(t0 + i * 6s, false);
  }
  const auto last = t0 + 7 * 6s;

  EXPECT_EQ(look(last + 10ms, last + 200ms),
            (std::vector<std::pair<act, duration>>{{act::dial, 100ms}}));
}

TEST_F(GatewayWatch, GivesUpOnAConnectionThatDoesNotStand) {
  ASSERT_EQ(watch.next(t0, true), act::dial);

  EXPECT_TRUE(look(t0, t0 + 1495ms).empty());

  EXPECT_EQ(watch.next(t0 + 1500ms, true), act::dial);
  EXPECT_EQ(watch.gateway(), 1u);
}

TEST(GatewayOrder, NamesEveryGatewayOnceAndIsTheSessionsOwn) {
  const std::vector<std::string> endpoints{"tcp://a:1", "tcp://b:1", "tcp://c:1"};

  const auto order = gateway_order("s1", endpoints);

  EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()), (std::set<std::size_t>{0, 1, 2}));
  EXPECT_EQ(order, gateway_order("s1", endpoints));
}

TEST(GatewayOrder, SpreadsHomesAndWhoFollowsThem) {
  const std::vector<std::string> endpoints{"tcp://a:1", "tcp://b:1", "tcp://c:1"};
  std::map<std::pair<std::size_t, std::size_t>, int> count;
  for (int i = 0; i < 6000; ++i) {
    const auto order = gateway_order(std::to_string(i), endpoints);
    ++count[{order[0], order[1]}];
  }
  EXPECT_EQ(count.size(), 6u);
  for (const auto& [pair, n] : count) EXPECT_NEAR(n, 1000, 150);
}

}  // namespace
}  // namespace coppice::client
