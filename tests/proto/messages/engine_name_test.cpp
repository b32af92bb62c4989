#include "proto/messages/engine_name.hpp"

#include <gtest/gtest.h>

namespace coppice::proto {

namespace {

TEST(EngineName, BothEnginesOfAPlaceHaveThatPlace) {
  EXPECT_EQ(name_beside("node-1/engine-0"), "node-1/engine-0b");
  EXPECT_EQ(place_of("node-1/engine-0b"), "node-1/engine-0");
  EXPECT_EQ(place_of("node-1/engine-0"), "node-1/engine-0");
}

TEST(EngineName, LeavesNamesOfNodesAsTheyAre) {
  for (const auto* name : {"", "b", "web", "node-1b", "node/web"}) EXPECT_EQ(place_of(name), name);
}

}  // namespace

}  // namespace coppice::proto
