#include "proto/codec/stream_length.hpp"

#include <gtest/gtest.h>

namespace coppice::proto {
namespace {

expected<std::uint32_t> length(std::uint32_t max_tokens) {
  return stream_length({encode(stream_parameters{max_tokens})});
}

TEST(StreamLength, IsSixteenWhereNothingIsSaid) {
  EXPECT_EQ(stream_length({}), 16u);
  EXPECT_EQ(stream_length({"\x80"}), 16u);
  EXPECT_EQ(stream_length({"\x81\xa4seed\x07"}), 16u);
}

TEST(StreamLength, IsOneToTheLongestStream) {
  EXPECT_FALSE(length(0));
  EXPECT_EQ(length(1), 1u);
  EXPECT_EQ(length(max_stream_tokens), max_stream_tokens);
  ASSERT_FALSE(length(max_stream_tokens + 1));
  EXPECT_EQ(length(max_stream_tokens + 1).error().message,
            "Parameter 'max_tokens' must be 1 to 100000.");
}

TEST(StreamLength, IsNotReadFromWhatIsNoMap) {
  for (const auto* bad : {"\xc1", "\x07", "\x81", "\x81\xaamax_tokens\xff"})
    EXPECT_EQ(stream_length({bad}).error().code, errc::invalid);
}

}  // namespace
}  // namespace coppice::proto
