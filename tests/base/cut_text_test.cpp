#include "base/cut_text.hpp"

#include <gtest/gtest.h>

namespace coppice {

namespace {

TEST(CutText, LeavesAShortTextAndCutsALongOneBetweenCharacters) {
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("abcd", 3), "abc");
  EXPECT_EQ(cut_text("ab\xc3\xa4", 3), "ab");
  EXPECT_EQ(cut_text("\xc3\xa4", 1), "");
}

}  // namespace

}  // namespace coppice
