#include "gateway/shard/name_hash.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {
namespace {

TEST(NameHash, IsEqualForEqualNamesOfOneTenantOnly) {
  const name_hasher hash{42};

  EXPECT_EQ(hash("a", "key"), hash("a", "key"));
  EXPECT_FALSE(hash("a", "key") == hash("b", "key"));
  EXPECT_FALSE(hash("a", "key") == hash("a", "kez"));
  EXPECT_FALSE(hash("ab", "c") == hash("a", "bc"));
}

TEST(NameHash, DependsOnTheSeed) {
  EXPECT_FALSE(name_hasher{1}("a", "key") == name_hasher{2}("a", "key"));
}

}  // namespace
}  // namespace coppice::gateway
