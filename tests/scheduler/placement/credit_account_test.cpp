#include "scheduler/placement/credit_account.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

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

/// The account beside a plain table of who holds what: they always agree, in whole and in part.
TEST(CreditAccount, AgreesWithAPlainTableUnderRandomEvents) {
  struct shard {
    steady_time renewed;
    std::map<std::uint64_t, std::uint32_t> rows;
  };
  std::mt19937 generator{17};
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  credit_account account{1s};
  std::map<std::string, shard> plain;
  auto at = t0;
  for (int step = 0; step < 50'000; ++step, at += 1ms * (random() % 100)) {
    const auto gateway = "g" + std::to_string(random() % 3);
    const auto name = gateway + "/" + std::to_string(random() % 2);
    const std::uint64_t incarnation = 1 + random() % 3;
    const auto rows = random() % 8;
    switch (random() % 6) {
      case 0:
      case 1:
        account.replace(name, {a_holding(incarnation, rows), a_holding(incarnation, 1)}, at);
        plain[name] = {at, {{incarnation, rows + 1}}};
        break;
      case 2:
        if (!plain.contains(name)) break;
        account.add(name, {{incarnation}, "echo", 1}, rows);
        plain[name].rows[incarnation] += rows;
        break;
      case 3:
        account.forget({incarnation});
        for (auto& [each, held] : plain) held.rows.erase(incarnation);
        break;
      case 4:
        account.expire(at);
        std::erase_if(plain, [&](const auto& each) { return at - each.second.renewed >= 1s; });
        break;
      default:
        account.forget_gateway(gateway);
        std::erase_if(plain,
                      [&](const auto& each) { return each.first.starts_with(gateway + "/"); });
    }
    for (std::uint64_t each = 1; each <= 3; ++each) {
      std::uint32_t total = 0;
      for (const auto& [by, held] : plain) {
        const auto found = held.rows.find(each);
        const auto mine = found == held.rows.end() ? 0 : found->second;
        ASSERT_EQ(account.held_by(by, {{each}, "echo", 1}), mine) << "step " << step;
        total += mine;
      }
      ASSERT_EQ(account.held({{each}, "echo", 1}), total) << "step " << step;
    }
    ASSERT_EQ(account.live_shards(), plain.size());
  }
}

}  // namespace

}  // namespace coppice::scheduler
