#include "scheduler/poison/poison_register.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::scheduler {

namespace {

const steady_time t0{std::chrono::hours{1}};
constexpr proto::fingerprint bad{1, 1}, good{2, 2};

struct PoisonRegister : ::testing::Test {
  poison_register poison;

  proto::judgement suspect(const std::string& gateway, steady_time now,
                           proto::fingerprint of = bad) {
    return poison.suspect({gateway, {of}}, now).front();
  }
  std::optional<proto::judgement> tried(const std::string& gateway, bool killed, steady_time now) {
    return poison.tried({gateway, bad, killed}, now);
  }
};

TEST_F(PoisonRegister, LetsTheFirstThatReportsContentTryIt) {
  const auto judged = suspect("a", t0);

  EXPECT_EQ(judged.of, bad);
  EXPECT_EQ(judged.verdict, "trial");
  EXPECT_EQ(judged.gateway, "a");
  EXPECT_EQ(judged.ttl_us, 10'000'000u);
}

TEST_F(PoisonRegister, RepeatsATrialForWhoeverElseReportsTheContent) {
  suspect("a", t0);

  const auto judged = suspect("b", t0 + 1s);

  EXPECT_EQ(judged.gateway, "a");
  EXPECT_EQ(judged.ttl_us, 9'000'000u);
}

TEST_F(PoisonRegister, MakesATrialOfEachOfABatch) {
  proto::suspicion batch{"a", {}};
  for (std::uint64_t i = 1; i <= 64; ++i) batch.suspects.push_back({i, i});

  const auto judged = poison.suspect(batch, t0);

  ASSERT_EQ(judged.size(), 64u);
  for (const auto& each : judged) EXPECT_EQ(each.verdict, "trial");
}

TEST_F(PoisonRegister, ConvictsContentThatKillsAloneForTenMinutes) {
  suspect("a", t0);

  const auto judged = tried("a", true, t0);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->verdict, "convicted");
  EXPECT_EQ(judged->ttl_us, 600'000'000u);

  EXPECT_EQ(suspect("b", t0 + 10min - 1us).verdict, "convicted");
  EXPECT_EQ(suspect("b", t0 + 10min).verdict, "trial");
}

TEST_F(PoisonRegister, ClearsContentThatSurvivesItsTrialForAMinute) {
  suspect("a", t0);

  const auto judged = tried("a", false, t0);

  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->verdict, "cleared");
  EXPECT_EQ(judged->ttl_us, 60'000'000u);
}

TEST_F(PoisonRegister, TriesClearedContentAnewWhenItIsSuspectedAgain) {
  suspect("a", t0);
  (void)tried("a", false, t0);

  EXPECT_EQ(suspect("b", t0 + 1s).verdict, "trial");
  EXPECT_EQ(suspect("c", t0 + 1s).gateway, "b");
}

TEST_F(PoisonRegister, NeverConvictsAnInnocentHoweverManyCrashesItSharedABatchIn) {
  auto now = t0;
  for (int crash = 0; crash < 1000; ++crash, now += 100ms) {
    EXPECT_EQ(suspect("a", now).verdict, "trial");
    EXPECT_EQ(tried("a", false, now)->verdict, "cleared");
  }
}

TEST_F(PoisonRegister, IsNotToldByOthersThatATrialWasSurvived) {
  suspect("a", t0);
  EXPECT_FALSE(tried("b", false, t0));

  (void)tried("a", true, t0);
  EXPECT_FALSE(tried("a", false, t0));
  EXPECT_EQ(suspect("b", t0).verdict, "convicted");
}

TEST_F(PoisonRegister, BelievesADeathAloneWhoeverReportsIt) {
  EXPECT_EQ(tried("a", true, t0)->verdict, "convicted");  // as after another scheduler's death
}

TEST_F(PoisonRegister, PassesTheTrialOfADeadGatewayToTheNextThatWaits) {
  suspect("a", t0);
  suspect("b", t0);
  suspect("c", t0);

  const auto judged = poison.gateway_gone("a", t0 + 1s);

  ASSERT_EQ(judged.size(), 1u);
  EXPECT_EQ(judged[0].gateway, "b");
  EXPECT_EQ(judged[0].ttl_us, 10'000'000u);
  EXPECT_EQ(poison.gateway_gone("b", t0 + 1s).at(0).gateway, "c");
}

TEST_F(PoisonRegister, NeverPassesATrialToAGatewayThatDiedWaiting) {
  suspect("a", t0);
  suspect("b", t0);
  (void)poison.gateway_gone("b", t0);

  EXPECT_TRUE(poison.gateway_gone("a", t0).empty());
  EXPECT_EQ(suspect("c", t0).gateway, "c");
}

TEST_F(PoisonRegister, PassesATrialOnWhenItLapsesAndNotBefore) {
  suspect("a", t0);
  suspect("b", t0);

  EXPECT_TRUE(poison.turn(t0 + 10s - 1us).empty());
  const auto judged = poison.turn(t0 + 10s);

  ASSERT_EQ(judged.size(), 1u);
  EXPECT_EQ(judged[0].gateway, "b");
}

TEST_F(PoisonRegister, GivesALapsedTrialNobodyWaitsForToTheNextThatReports) {
  suspect("a", t0);

  EXPECT_TRUE(poison.turn(t0 + 10s).empty());

  EXPECT_EQ(poison.size(), 0u);
  EXPECT_EQ(suspect("b", t0 + 10s).gateway, "b");
}

TEST_F(PoisonRegister, TellsANewGatewayWhatHoldsAndForHowLong) {
  suspect("a", t0);
  suspect("a", t0 + 1s, good);
  (void)tried("a", true, t0 + 2s);

  const auto live = poison.live(t0 + 3s);

  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].of, good);
  EXPECT_EQ(live[0].ttl_us, 8'000'000u);
  EXPECT_EQ(live[1].verdict, "convicted");
  EXPECT_TRUE(poison.live(t0 + 1h).empty());
}

TEST_F(PoisonRegister, RemembersTenThousandAndForgetsTheOldest) {
  for (std::uint64_t i = 1; i <= 10'001; ++i) suspect("a", t0, {i, i});

  EXPECT_EQ(poison.size(), 10'000u);
  EXPECT_EQ(poison.live(t0).front().of, (proto::fingerprint{2, 2}));
}

/// One killer among innocents: it is convicted, they never are, and nobody else ever tries content
/// that is in trial.
TEST_F(PoisonRegister, HoldsItsRulesUnderRandomEvents) {
  std::mt19937 random{5};
  poison_register small{{.fingerprints = 40, .waiting = 2}};
  auto now = t0;
  const auto gateway = [&] { return std::string(1, static_cast<char>('a' + random() % 4)); };
  const auto check = [&](const proto::judgement& each) {
    ASSERT_EQ(each.verdict == "trial", !each.gateway.empty());
    ASSERT_GT(each.ttl_us, 0u);
    ASSERT_LE(each.ttl_us, 600'000'000u);
    ASSERT_TRUE(each.verdict != "convicted" || each.of.low == 7);
  };
  for (int step = 0; step < 50'000; ++step, now += 10ms * (random() % 50)) {
    const proto::fingerprint of{0, random() % 50};
    switch (random() % 5) {
      case 0:
        for (const auto& each : small.gateway_gone(gateway(), now)) check(each);
        break;
      case 1:
        for (const auto& each : small.turn(now)) check(each);
        break;
      case 2:
        if (const auto each = small.tried({gateway(), of, of.low == 7}, now)) check(*each);
        break;
      default:
        for (const auto& each : small.suspect({gateway(), {of}}, now)) check(each);
    }
    ASSERT_LE(small.size(), 40u);
  }
}

}  // namespace

}  // namespace coppice::scheduler
