#include "scheduler/placement/credit_account.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

using testing::a_holding;

namespace {

const steady_time t0{};
const credit_key echo_on_7{{7}, "echo", 1};

TEST(CreditAccount, ReplacesWhatAShardHolds) {
  credit_account account{1s};

  account.replace("g/0", {a_holding(7, 5)}, t0);
  account.replace("g/0", {a_holding(7, 2)}, t0);

  EXPECT_EQ(account.held(echo_on_7), 2u);
}

TEST(CreditAccount, AddsTheShardsOfOneEngine) {
  credit_account account{1s};

  account.replace("g/0", {a_holding(7, 5)}, t0);
  account.replace("h/0", {}, t0);
  account.add("h/0", echo_on_7, 3);

  EXPECT_EQ(account.held(echo_on_7), 8u);
  EXPECT_EQ(account.held_by("h/0", echo_on_7), 3u);
  EXPECT_EQ(account.live_shards(), 2u);
}

TEST(CreditAccount, LapsesAtItsTimeToLive) {
  credit_account account{1s};
  account.replace("g/0", {a_holding(7, 5)}, t0);

  account.expire(t0 + 999ms);
  EXPECT_EQ(account.held(echo_on_7), 5u);

  account.expire(t0 + 1s);
  EXPECT_EQ(account.held(echo_on_7), 0u);
}

TEST(CreditAccount, ForgetsADeadIncarnation) {
  credit_account account{1s};
  account.replace("g/0", {a_holding(7, 5), a_holding(8, 1)}, t0);

  account.forget({7});

  EXPECT_EQ(account.held(echo_on_7), 0u);
  EXPECT_EQ(account.held({{8}, "echo", 1}), 1u);
}

TEST(CreditAccount, ForgetsEveryShardOfAGatewayAndNoOther) {
  credit_account account{1s};
  account.replace("g/0", {a_holding(7, 5)}, t0);
  account.replace("g1/0", {a_holding(7, 2)}, t0);

  account.forget_gateway("g");

  EXPECT_EQ(account.held(echo_on_7), 2u);
}

}  // namespace

}  // namespace coppice::scheduler
