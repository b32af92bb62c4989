#include "base/error.hpp"

#include <gtest/gtest.h>

namespace coppice {

namespace {

TEST(ErrorTable, GivesEveryCodeItsOwnRowAndName) {
  for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
    const auto code = static_cast<errc>(i);
    EXPECT_EQ(describe(code).code, code);
    EXPECT_EQ(code_from_name(code_name(code)), code);
    EXPECT_FALSE(describe(code).sentence.empty());
  }
}

TEST(ErrorTable, TakesANameItDoesNotKnowForInternal) {
  EXPECT_EQ(code_from_name("from_the_future"), errc::internal);
}

}  // namespace

}  // namespace coppice
