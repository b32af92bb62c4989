#include "gateway/admission/service_time.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(ServiceTime, IsZeroBeforeItHasMeasured) { EXPECT_EQ(service_time{}.usual(t0), 0ns); }

TEST(ServiceTime, FollowsWhatAttemptsTake) {
  service_time time;
  time.took(10ms, t0);
  EXPECT_EQ(time.usual(t0), 10ms);

  for (int i = 0; i < 400; ++i) time.took(20ms, t0 + i * 1ms);

  EXPECT_NEAR(static_cast<double>(time.usual(t0 + 400ms) / 1us), 20'000, 300);
}

TEST(ServiceTime, CoversNearlyAllAttemptsOfASteadyModel) {
  service_time time;
  for (int i = 0; i < 1000; ++i) time.took(i % 2 == 0 ? 19ms : 21ms, t0 + i * 1ms);

  EXPECT_GT(time.usual(t0 + 1s), 21ms);
  EXPECT_LT(time.usual(t0 + 1s), 23ms);
}

TEST(ServiceTime, PromisesLittleOfAModelWhoseRequestsDiffer) {
  service_time time;
  for (int i = 0; i < 1000; ++i) time.took(i % 2 == 0 ? 1ms : 1000ms, t0 + i * 1ms);

  EXPECT_LT(time.usual(t0 + 1s), 60ms);
}

TEST(ServiceTime, IsForgottenAfterASecondWithoutAnAttempt) {
  service_time time;
  time.took(50ms, t0);

  EXPECT_EQ(time.usual(t0 + 1s - 1ns), 50ms);
  EXPECT_EQ(time.usual(t0 + 1s), 0ns);
  time.took(5ms, t0 + 1s);
  EXPECT_EQ(time.usual(t0 + 1s), 5ms);
}

}  // namespace

}  // namespace coppice::gateway
