#include "gateway/admission/retry_after.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

TEST(RetryAfter, IsTheWaitAndUpToHalfOfItMore) {
  EXPECT_EQ(retry_after_ms(100ms, 0), 100u);
  EXPECT_EQ(retry_after_ms(100ms, 0.5), 125u);
  EXPECT_EQ(retry_after_ms(100ms, 0.999), 150u);
}

TEST(RetryAfter, IsNeverNothingAndNeverMoreThanAMinute) {
  EXPECT_EQ(retry_after_ms(0ms, 0.9), 1u);
  EXPECT_EQ(retry_after_ms(1ns, 0), 1u);
  EXPECT_EQ(retry_after_ms(60s, 0), 60'000u);
  EXPECT_EQ(retry_after_ms(duration::max(), 0.9), 60'000u);
}

}  // namespace

}  // namespace coppice::gateway
