#include "gateway/retry/retry_budget.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

int taken_at(retry_budget& budget, steady_time at) {
  int taken = 0;
  while (budget.take(at)) ++taken;
  return taken;
}

TEST(RetryBudget, EarnsATenthOfATokenByASuccess) {
  retry_budget budget;
  for (int i = 0; i < 1000; ++i) budget.admitted(t0);
  taken_at(budget, t0);
  for (int i = 0; i < 1000; ++i) budget.admitted(t0);  // allows more than is earned

  for (int i = 0; i < 9; ++i) budget.succeeded();
  EXPECT_FALSE(budget.take(t0));
  for (int i = 0; i < 2; ++i) budget.succeeded();  // 1.1: nine tenths sum to a little less than 1
  EXPECT_TRUE(budget.take(t0));
  EXPECT_FALSE(budget.take(t0));
}

TEST(RetryBudget, KeepsNoMoreThanItsBurst) {
  retry_budget budget;
  for (int i = 0; i < 100'000; ++i) budget.admitted(t0), budget.succeeded();

  EXPECT_EQ(taken_at(budget, t0), 15 + 3);
}

TEST(RetryBudget, AllowsThreeASecondWhereNothingSucceeds) {
  retry_budget budget;
  taken_at(budget, t0);

  EXPECT_EQ(taken_at(budget, t0 + 330ms), 0);
  EXPECT_EQ(taken_at(budget, t0 + 340ms), 1);
  EXPECT_EQ(taken_at(budget, t0 + 60s), 3);
}

TEST(RetryBudget, AllowsNothingWhileMoreThanATwentiethIsShed) {
  retry_budget budget;
  for (int i = 0; i < 95; ++i) budget.admitted(t0);
  for (int i = 0; i < 5; ++i) budget.shed(t0);
  EXPECT_TRUE(budget.take(t0));

  budget.shed(t0);
  EXPECT_FALSE(budget.take(t0));
  EXPECT_FALSE(budget.take(t0 + 1999ms));
  EXPECT_TRUE(budget.take(t0 + 2s));
}

/// What a run of a model adds: when charged retries were made, and how many requests there were.
struct history {
  struct retry {
    steady_time at;
    /// Requests accepted before it, the one it belongs to among them.
    std::size_t requests;
  };
  std::vector<retry> retries;
  std::size_t requests = 0;

  /// Windows begin and end at retries: any other has fewer retries for its requests.
  void expect_at_most_a_tenth() const {
    for (std::size_t i = 0; i < retries.size(); ++i)
      for (std::size_t j = i; j < retries.size(); ++j) {
        const auto count = retries[j].requests - retries[i].requests + 1;
        const std::chrono::duration<double> length = retries[j].at - retries[i].at;
        if (count < 1000 || static_cast<double>(count) < 100 * length.count()) continue;
        ASSERT_LE(10 * (j - i + 1), count) << "from retry " << i << " to " << j;
      }
  }
};

/// Open load at `rate` for 60 s in which the whole fleet fails from 10 s to 40 s and `failing` of
/// the attempts at any other time; every failure asks for two retries.
history run_through_an_outage(double rate, double failing, std::uint32_t seed) {
  std::mt19937 random{seed};
  std::exponential_distribution<double> gap{rate};
  std::uniform_real_distribution<double> draw;
  retry_budget budget;
  history seen;
  for (double at = 0; at < 60; at += gap(random)) {
    const auto now = t0 + std::chrono::duration_cast<duration>(std::chrono::duration<double>{at});
    budget.admitted(now);
    ++seen.requests;
    const bool outage = at >= 10 && at < 40;
    bool failed = outage || draw(random) < failing;
    for (int retry = 0; failed && retry < 2 && budget.take(now); ++retry) {
      seen.retries.push_back({now, seen.requests});
      failed = outage || draw(random) < failing;
    }
    if (!failed) budget.succeeded();
  }
  return seen;
}

TEST(RetryBudget, HoldsAmplificationBelowATenthThroughAnOutageOfTheWholeFleet) {
  for (const double rate : {110.0, 300.0, 1000.0, 5000.0})
    for (const double failing : {0.0, 0.02, 0.3}) {
      const auto seen = run_through_an_outage(rate, failing, 7);
      seen.expect_at_most_a_tenth();
      EXPECT_GT(seen.retries.size(), 90u) << rate << " " << failing;  // and it does retry
    }
}

TEST(RetryBudget, RetriesEveryRareFailure) {
  const auto one_in_fifty = run_through_an_outage(1000, 0.02, 3);
  std::size_t outside = 0;
  for (const auto& each : one_in_fifty.retries)
    outside += each.at < t0 + 10s || each.at >= t0 + 40s;

  EXPECT_NEAR(static_cast<double>(outside), 1000 * 30 * 0.02, 80);
}

}  // namespace

}  // namespace coppice::gateway
