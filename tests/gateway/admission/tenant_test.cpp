#include "gateway/admission/tenant.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

tenant a_tenant(const tenant_limits& limits) { return {{1}, "a", limits, t0}; }

TEST(Tenant, RefusesWhatIsOverItsRateAndSaysWhenItFits) {
  auto account = a_tenant({.requests_per_s = 10, .requests_burst = 2});
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(account.judge(1, t0, 0));
    account.open(1, t0);
  }

  const auto refused = account.judge(1, t0, 0);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason, shed_reason::quota);
  EXPECT_EQ(refused->why.code, errc::quota);
  EXPECT_EQ(refused->why.retry_after_ms, 100u);
  EXPECT_TRUE(account.judge(1, t0 + 100ms - 1ns, 0));
  EXPECT_FALSE(account.judge(1, t0 + 100ms, 0));
}

TEST(Tenant, BoundsWhatItHasOpenUntilItIsClosed) {
  auto account = a_tenant({.open_requests = 2, .open_bytes = 100});
  account.open(60, t0);
  EXPECT_FALSE(account.judge(40, t0, 0));
  EXPECT_TRUE(account.judge(41, t0, 0));
  account.open(40, t0);
  EXPECT_TRUE(account.judge(0, t0, 0));

  account.close(60);

  EXPECT_FALSE(account.judge(60, t0, 0));
  EXPECT_EQ(account.open_bytes(), 40u);
}

TEST(Tenant, LetsALargeRequestInWithItsWholeBurstAndAsksForTheRestLater) {
  auto account = a_tenant({.bytes_per_s = 100, .bytes_burst = 100});

  ASSERT_FALSE(account.judge(300, t0, 0));
  account.open(300, t0);

  EXPECT_EQ(account.judge(1, t0, 0)->why.retry_after_ms, 2010u);
  EXPECT_FALSE(account.judge(1, t0 + 2010ms, 0));
}

TEST(Tenant, PaysForComputeTimeAfterwards) {
  auto account = a_tenant({.compute_ms_per_s = 100, .compute_burst_ms = 50});
  ASSERT_FALSE(account.judge(1, t0, 0));

  account.charge(150ms, t0);

  EXPECT_TRUE(account.judge(1, t0 + 1s, 0));
  EXPECT_FALSE(account.judge(1, t0 + 1001ms, 0));
}

TEST(Tenant, IsIdleOnceNothingIsOpenAndItsRatesAreRestored) {
  auto account = a_tenant({.requests_per_s = 10, .requests_burst = 10});
  EXPECT_TRUE(account.idle(t0));
  account.open(5, t0);
  EXPECT_FALSE(account.idle(t0 + 1h));

  account.close(5);

  EXPECT_FALSE(account.idle(t0 + 100ms - 1ns));
  EXPECT_TRUE(account.idle(t0 + 100ms));
}

TEST(Tenant, ByDefaultAllowsMoreThanAGatewayCarries) {
  auto account = a_tenant({});
  auto at = t0;
  for (int i = 0; i < 1'000'000; ++i) {
    at += 5us;  // 200,000 a second
    ASSERT_FALSE(account.judge(200, at, 0)) << i;
    account.open(200, at);
    account.close(200);
  }
}

TEST(ComputeShare, SplitsABatchByRows) {
  EXPECT_EQ(compute_share(80ms, 2, 8), 20ms);
  EXPECT_EQ(compute_share(80ms, 8, 8), 80ms);
  EXPECT_EQ(compute_share(80ms, 3, 0), 80ms);
}

}  // namespace

}  // namespace coppice::gateway
