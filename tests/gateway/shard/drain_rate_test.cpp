#include "gateway/shard/drain_rate.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

TEST(DrainRate, PredictsNothingBeforeItHasMeasured) {
  EXPECT_EQ(drain_rate{}.time_for(1000), duration{0});
}

TEST(DrainRate, PredictsTheWaitFromTheRowsThatLeft) {
  drain_rate rate;
  for (int ms = 0; ms <= 1000; ++ms) rate.left(1, t0 + ms * 1ms);

  const auto wait = rate.time_for(500);

  EXPECT_GT(wait, 450ms);
  EXPECT_LT(wait, 550ms);
}

TEST(DrainRate, APauseInsideAWindowSaysNothing) {
  drain_rate rate;
  for (int ms = 0; ms <= 1010; ++ms) rate.left(1, t0 + ms * 1ms);

  rate.left(1, t0 + 1min);
  rate.left(1, t0 + 1min + 1ms);

  EXPECT_EQ(rate.time_for(1), duration{0});
}

}  // namespace

}  // namespace coppice::gateway
