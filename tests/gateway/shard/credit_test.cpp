#include "gateway/shard/credit.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{};

proto::grant a_grant(std::uint64_t incarnation, std::uint32_t rows) {
  proto::grant grant;
  grant.incarnation = {incarnation};
  grant.version = 1;
  grant.rows = rows;
  grant.ttl_us = 1'000'000;
  return grant;
}

TEST(CreditPurse, SpendsWhereTheFewestRowsAreInFlight) {
  credit_purse purse;
  purse.grant(a_grant(1, 4), t0);
  purse.grant(a_grant(2, 4), t0);

  const auto first = purse.spend(1)->incarnation;
  const auto second = purse.spend(1)->incarnation;

  EXPECT_NE(first, second);
}

TEST(CreditPurse, SpendsNoMoreThanItHolds) {
  credit_purse purse;
  purse.grant(a_grant(1, 3), t0);

  EXPECT_NE(purse.spend(2), nullptr);
  EXPECT_EQ(purse.spend(2), nullptr);
  EXPECT_EQ(purse.idle(), 1u);
}

TEST(CreditPurse, GetsARowBackWithItsReply) {
  credit_purse purse;
  purse.grant(a_grant(1, 1), t0);
  purse.spend(1);

  purse.give_back({1}, 1, 1, 1, t0);

  EXPECT_EQ(purse.idle(), 1u);
  EXPECT_EQ(purse.in_flight(), 0u);
}

TEST(CreditPurse, LosesIdleCreditAtItsTimeToLive) {
  credit_purse purse;
  purse.grant(a_grant(1, 2), t0);

  EXPECT_FALSE(purse.lapse(t0 + 999ms));
  EXPECT_TRUE(purse.lapse(t0 + 1s));
  EXPECT_TRUE(purse.empty());
}

TEST(CreditPurse, HoldsNothingOnAnEngineThatRefused) {
  credit_purse purse;
  purse.grant(a_grant(1, 5), t0);
  purse.spend(1);

  purse.refused({1}, 1, 1);

  EXPECT_EQ(purse.idle(), 0u);
  EXPECT_EQ(purse.in_flight(), 0u);
}

/// Credit on two engines, with the breakers of their model.
struct CreditPurseAndBreakers : ::testing::Test {
  credit_purse purse;
  circuit_breakers breakers;

  CreditPurseAndBreakers() {
    purse.grant(a_grant(1, 4), t0);
    purse.grant(a_grant(2, 4), t0);
  }
  void open(std::uint64_t incarnation) {
    for (int i = 0; i < 5; ++i) breakers.failed({incarnation}, t0, 0);
  }
  /// Where one row's worth is spent; 0: nowhere.
  std::uint64_t spend(steady_time at = t0, incarnation_id avoid = {}) {
    const auto* line = purse.spend(1, {breakers, avoid, at});
    if (line == nullptr) return 0;
    breakers.sent(line->incarnation);
    return line->incarnation.value;
  }
};

TEST_F(CreditPurseAndBreakers, SpendsNothingWhereTheBreakerIsOpen) {
  open(1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spend(), 2u);
  EXPECT_EQ(spend(), 0u);  // the other engine is only full: its credit comes back

  EXPECT_EQ(spend(t0 + 500ms), 1u);  // the probe
  EXPECT_EQ(spend(t0 + 500ms), 0u);
}

TEST_F(CreditPurseAndBreakers, SendsOneProbeAtATimeWhileEveryBreakerIsOpen) {
  open(1);
  open(2);
  const auto first = spend();
  EXPECT_NE(first, 0u);
  EXPECT_EQ(spend(), 0u);

  breakers.failed({first}, t0, 0);
  EXPECT_NE(spend(), 0u);
}

TEST_F(CreditPurseAndBreakers, AvoidsAnEngineOnlyWhileThereIsAnother) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spend(t0, {1}), 2u);

  EXPECT_EQ(spend(t0, {1}), 1u);
}

}  // namespace

}  // namespace coppice::gateway
