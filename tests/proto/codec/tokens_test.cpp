#include "proto/codec/tokens.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::proto {
namespace {

using tokens = std::vector<std::int32_t>;
const tokens some{1, -2, 2147483647};

struct frame {
  std::string bytes;
  [[nodiscard]] std::string_view to_string_view() const { return bytes; }
};

TEST(Tokens, ComeBackFromABin) {
  EXPECT_EQ(unpack_tokens(pack_tokens(some)), some);
  EXPECT_EQ(unpack_tokens(pack_tokens({})), tokens{});
}

TEST(Tokens, AreNoneWhereNothingIsGiven) { EXPECT_EQ(unpack_tokens({}), tokens{}); }

TEST(Tokens, AreRefusedInAnythingButABinOfWholeOnes) {
  EXPECT_EQ(unpack_tokens({"\x01"}), std::nullopt);
  EXPECT_EQ(unpack_tokens({std::string("\xc4\x03"
                                       "abc",
                                       5)}),
            std::nullopt);
  EXPECT_EQ(unpack_tokens({std::string("\xc4\x04"
                                       "a",
                                       3)}),
            std::nullopt);
}

TEST(Tokens, OfAnOutputAreInItsDataOrInItsFrame) {
  const std::vector<frame> frames{{std::string("\x05\0\0\0", 4)}};
  const std::vector<tensor> in_frame{{"tokens", "INT32", {1}, 0, {}}};

  EXPECT_EQ(tokens_in(std::vector{tokens_tensor(some)}, frames), some);
  EXPECT_EQ(tokens_in(in_frame, frames), tokens{5});
  EXPECT_EQ(tokens_in({}, frames), tokens{});
}

TEST(Tokens, OfABrokenOutputAreRefused) {
  const std::vector<frame> frames{{"abc"}};

  EXPECT_EQ(tokens_in({{"tokens", "INT32", {1}, 0, {}}}, frames), std::nullopt);
  EXPECT_EQ(tokens_in({{"tokens", "INT32", {1}, 1, {}}}, frames), std::nullopt);
  EXPECT_EQ(tokens_in({{"tokens", "FP32", {1}, 0, {}}}, frames), std::nullopt);
}

}  // namespace
}  // namespace coppice::proto
