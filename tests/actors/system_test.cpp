#include "actors/system.hpp"

#include <gtest/gtest.h>

namespace coppice::actors {

namespace {

TEST(Endpoint, SplitsHostAndPort) {
  const auto parts = split_endpoint("10.0.0.1:4800");

  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->first, "10.0.0.1");
  EXPECT_EQ(parts->second, 4800);
}

TEST(Endpoint, IsRefusedWithoutAValidPort) {
  for (const auto* text : {"", "host", ":1", "host:", "host:65536", "host:1x", "host:-1"})
    EXPECT_FALSE(split_endpoint(text)) << text;
}

}  // namespace

}  // namespace coppice::actors
