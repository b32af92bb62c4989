#include "worker/node/engine_units.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

TEST(EngineUnits, AreTheGroupsAndTheEnginesWithoutOne) {
  using units = std::vector<std::vector<std::size_t>>;

  EXPECT_EQ(engine_units({"", "a", "b", "a", ""}), (units{{0}, {1, 3}, {2}, {4}}));
  EXPECT_EQ(engine_units({}), units{});
}

}  // namespace

}  // namespace coppice::worker
