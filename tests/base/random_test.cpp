#include "base/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace coppice {

namespace {

TEST(Random, IdsAreNeitherZeroNorEqual) {
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_id());

  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_FALSE(ids.contains(0));
}

}  // namespace

}  // namespace coppice
