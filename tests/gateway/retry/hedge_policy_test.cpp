#include "gateway/retry/hedge_policy.hpp"

#include "gateway/retry/recent_times.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

struct HedgePolicy : ::testing::Test {
  hedge_policy policy;
  recent_times recent;

  void admit(int requests) {
    for (int i = 0; i < requests; ++i) policy.admitted();
  }
  std::optional<hedge_policy::watched_attempt> due(steady_time at, double load = 0.1,
                                                   duration after = 100ms) {
    return policy.next_due(after, recent, load, at);
  }
};

TEST_F(HedgePolicy, ASecondAttemptIsDueAfterTheModelsTime) {
  admit(51);
  policy.sent({1}, {11}, t0);

  EXPECT_FALSE(due(t0 + 99ms));
  const auto found = due(t0 + 100ms);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->row, row_id{1});
  EXPECT_EQ(found->attempt, attempt_id{11});
  EXPECT_FALSE(due(t0 + 200ms));
}

TEST_F(HedgePolicy, WaitsForTheNinetyFifthPercentileIfThatIsLater) {
  admit(51);
  for (int i = 0; i < 100; ++i) recent.add(i < 90 ? 50ms : 400ms);
  policy.sent({1}, {11}, t0);

  EXPECT_FALSE(due(t0 + 399ms));
  EXPECT_TRUE(due(t0 + 450ms));
}

TEST_F(HedgePolicy, NeverHedgesWhereTheModelDidNotAskForIt) {
  admit(51);
  policy.sent({1}, {11}, t0);

  EXPECT_FALSE(due(t0 + 1h, 0.1, 0ms));
}

TEST_F(HedgePolicy, NeverHedgesAboveSeventyPercentLoad) {
  admit(101);
  policy.sent({1}, {11}, t0);
  policy.sent({2}, {12}, t0);

  EXPECT_FALSE(due(t0 + 100ms, 0.71));
  EXPECT_EQ(policy.watched(), 0u);  // what was due then is not made up for later

  policy.sent({3}, {13}, t0);
  EXPECT_TRUE(due(t0 + 100ms, 0.70));
}

TEST_F(HedgePolicy, HedgesOneRequestInFifty) {
  std::size_t hedged = 0;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    const auto at = t0 + i * 1ms;
    admit(1);
    policy.sent({i}, {i}, at);
    while (due(at + 100ms)) policy.hedged(), ++hedged;
  }

  EXPECT_LE(hedged, 200u);
  EXPECT_GE(hedged, 199u);
}

TEST_F(HedgePolicy, SavesUpNoMoreThanAFewSecondAttempts) {
  admit(100'000);
  for (std::uint64_t i = 1; i <= 50; ++i) policy.sent({i}, {i}, t0);

  int hedged = 0;
  while (due(t0 + 100ms)) policy.hedged(), ++hedged;
  EXPECT_EQ(hedged, 5);
}

TEST_F(HedgePolicy, WatchesABoundedNumberOfAttempts) {
  hedge_policy narrow{{.watched = 3}};
  for (std::uint64_t i = 1; i <= 10; ++i) narrow.sent({i}, {i}, t0);

  EXPECT_EQ(narrow.watched(), 3u);
}

}  // namespace

}  // namespace coppice::gateway
