#include "base/freed_memory.hpp"

#include <gtest/gtest.h>

#include <malloc.h>
#include <vector>

namespace coppice {

namespace {

TEST(FreedMemory, LargeBlocksComeFromTheHeapThatKeepsThem) {
  keep_freed_memory();
  const auto mapped = ::mallinfo2().hblks;

  const std::vector<char> large(8 << 20);

  EXPECT_EQ(::mallinfo2().hblks, mapped);
}

}  // namespace

}  // namespace coppice
