#include "gateway/shard/credit.hpp"

#include <gtest/gtest.h>

#include <vector>

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

TEST(CreditPurse, TakesTurnsWhereNothingIsInFlight) {
  credit_purse purse;
  purse.grant(a_grant(1, 4), t0);
  purse.grant(a_grant(2, 4), t0);

  std::vector<incarnation_id> spent;
  for (int i = 0; i < 3; ++i) {
    spent.push_back(purse.spend(1)->incarnation);
    purse.give_back(spent.back(), 1, 1, 1);
  }

  EXPECT_NE(spent[0], spent[1]);
  EXPECT_EQ(spent[0], spent[2]);
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

  purse.give_back({1}, 1, 1, 1);

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

TEST(CreditPurse, KeepsWhatItUsesAndLosesTheRest) {
  credit_purse purse;
  purse.grant(a_grant(1, 8), t0);
  for (int ms = 0; ms < 1000; ms += 100) {
    purse.spend(2);
    purse.give_back({1}, 1, 2, 2);
    EXPECT_FALSE(purse.lapse(t0 + ms * 1ms));
  }

  EXPECT_TRUE(purse.lapse(t0 + 1s));
  EXPECT_EQ(purse.idle(), 2u);
  EXPECT_FALSE(purse.lapse(t0 + 1999ms));
  EXPECT_TRUE(purse.lapse(t0 + 2s));
  EXPECT_TRUE(purse.empty());
}

TEST(CreditPurse, LosesWhatItDoesNotNeedThoughEachLineIsUsedInItsTurn) {
  credit_purse purse;
  for (std::uint64_t engine = 1; engine <= 8; ++engine) purse.grant(a_grant(engine, 1), t0);
  for (int i = 0; i < 40; ++i) {
    const auto* first = purse.spend(1);
    const auto* second = purse.spend(1);
    purse.give_back(first->incarnation, 1, 1, 1);
    purse.give_back(second->incarnation, 1, 1, 1);
  }

  EXPECT_TRUE(purse.lapse(t0 + 1s));

  EXPECT_EQ(purse.idle(), 2u) << "never were more in flight";
}

TEST(CreditPurse, LosesWhereMostIsIdle) {
  credit_purse purse;
  purse.grant(a_grant(1, 6), t0);
  purse.grant(a_grant(2, 2), t0);
  for (int i = 0; i < 4; ++i) purse.spend(1);
  for (const auto engine : {1, 1, 2, 2})
    purse.give_back({static_cast<std::uint64_t>(engine)}, 1, 1, 1);

  EXPECT_TRUE(purse.lapse(t0 + 1s));

  EXPECT_EQ(purse.spend(2)->incarnation, incarnation_id{1});
  EXPECT_EQ(purse.spend(2)->incarnation, incarnation_id{2});
}

TEST(CreditPurse, AGrantBesideOtherCreditDoesNotProlongIt) {
  credit_purse purse;
  purse.grant(a_grant(1, 4), t0);

  purse.grant(a_grant(1, 4), t0 + 900ms);

  EXPECT_TRUE(purse.lapse(t0 + 1s));
  EXPECT_EQ(purse.idle(), 4u);
  EXPECT_TRUE(purse.lapse(t0 + 2s));
  EXPECT_TRUE(purse.empty());
}

TEST(CreditPurse, SaysThatALineIsUsedUpWhenNoCreditCameBack) {
  credit_purse purse;
  purse.grant(a_grant(1, 1), t0);
  purse.spend(1);
  EXPECT_FALSE(purse.lapse(t0));

  purse.give_back({1}, 1, 1, 0);

  EXPECT_TRUE(purse.lapse(t0));
  EXPECT_FALSE(purse.lapse(t0));
}

TEST(CreditPurse, HoldsNothingOnAnEngineThatRefused) {
  credit_purse purse;
  purse.grant(a_grant(1, 5), t0);
  purse.spend(1);

  purse.refused({1}, 1, 1);

  EXPECT_EQ(purse.idle(), 0u);
  EXPECT_EQ(purse.in_flight(), 0u);
}

}  // namespace

}  // namespace coppice::gateway
