#include "gateway/loopback.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

TEST(Loopback, HoldsWhatOtherMachinesCannotReach) {
  for (const auto* near : {"tcp://127.0.0.1:5555", "tcp://localhost:*", "tcp://[::1]:1", "ipc://x"})
    EXPECT_FALSE(beyond_loopback(near)) << near;
  for (const auto* far : {"tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://10.0.0.1:1", "tcp://eth0:1"})
    EXPECT_TRUE(beyond_loopback(far)) << far;
}

}  // namespace

}  // namespace coppice::gateway
