#include "worker/node/restart_policy.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

const steady_time t0{};

restart_policy a_policy() {
  restart_options options;
  options.intensity = 3;
  options.period = 60s;
  options.pause = {.base = 100ms, .cap = 10s, .jitter = 0};
  return restart_policy{options};
}

TEST(RestartPolicy, WaitsLongerAfterEachExit) {
  auto policy = a_policy();

  EXPECT_EQ(policy.after_exit(t0, 0), 100ms);
  EXPECT_EQ(policy.after_exit(t0 + 1s, 0), 200ms);
}

TEST(RestartPolicy, GivesUpBeyondItsIntensity) {
  auto policy = a_policy();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(policy.after_exit(t0 + i * 1s, 0));

  EXPECT_FALSE(policy.after_exit(t0 + 59s, 0));
}

TEST(RestartPolicy, ForgetsExitsThatAreOlderThanItsPeriod) {
  auto policy = a_policy();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(policy.after_exit(t0, 0));

  EXPECT_EQ(policy.after_exit(t0 + 60s, 0), 100ms);
}

}  // namespace

}  // namespace coppice::worker
