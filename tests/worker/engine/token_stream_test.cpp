#include "worker/engine/token_stream.hpp"

#include <gmock/gmock.h>

#include <random>

namespace coppice::worker {
namespace {

using testing::ElementsAre;

TEST(TokenStream, SendsATokenAChunkWhileTheWindowLasts) {
  token_stream stream{0, 2};
  stream.push(7);
  const auto first = stream.take_chunk();
  stream.push(8);
  const auto second = stream.take_chunk();
  stream.push(9);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->seq, 0u);
  EXPECT_THAT(first->tokens, ElementsAre(7));
  EXPECT_EQ(second->seq, 1u);
  EXPECT_FALSE(stream.take_chunk());
}

TEST(TokenStream, MergesWhatWaitedForTheWindow) {
  token_stream stream{5, 0};
  for (int i = 0; i < 3; ++i) stream.push(i);
  EXPECT_FALSE(stream.take_chunk());

  stream.open_window(1);
  const auto chunk = stream.take_chunk();

  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->seq, 5u);
  EXPECT_THAT(chunk->tokens, ElementsAre(0, 1, 2));
  EXPECT_EQ(stream.next(), 8u);
}

TEST(TokenStream, SendsNoEmptyChunkAndKeepsItsWindowForALaterOne) {
  token_stream stream{0, 1};
  EXPECT_FALSE(stream.take_chunk());
  stream.push(1);
  EXPECT_TRUE(stream.take_chunk());
}

TEST(TokenStream, IsPausedWhileItsLimitOfTokensWaits) {
  token_stream stream{0, 0};
  for (std::size_t i = 0; i + 1 < token_stream::max_waiting; ++i) stream.push(1);
  EXPECT_FALSE(stream.is_paused());
  stream.push(1);
  EXPECT_TRUE(stream.is_paused());

  stream.open_window(1);

  EXPECT_FALSE(stream.is_paused());
  EXPECT_EQ(stream.take_chunk()->tokens.size(), token_stream::max_waiting);
}

TEST(TokenStream, KeepsEverythingForTheEndWithoutAWindow) {
  token_stream stream{0, std::nullopt};
  for (std::size_t i = 0; i < 2 * token_stream::max_waiting; ++i) stream.push(1);
  stream.open_window(5);

  EXPECT_FALSE(stream.is_paused());
  EXPECT_FALSE(stream.take_chunk());
  EXPECT_EQ(stream.take_rest().tokens.size(), 2 * token_stream::max_waiting);
}

TEST(TokenStream, GivesItsRestWithoutAWindowAndPerhapsNothing) {
  token_stream stream{3, 0};
  stream.push(9);

  EXPECT_THAT(stream.take_rest().tokens, ElementsAre(9));
  const auto nothing = stream.take_rest();
  EXPECT_EQ(nothing.seq, 4u);
  EXPECT_TRUE(nothing.tokens.empty());
}

std::uint32_t chunks_of(token_stream& stream) {
  std::uint32_t chunks = 0;
  for (stream.push(1); stream.take_chunk(); stream.push(1)) ++chunks;
  return chunks;
}

TEST(TokenStream, BoundsItsWindow) {
  token_stream large{0, UINT32_MAX}, opened{0, 1};
  opened.open_window(UINT32_MAX);
  opened.open_window(UINT32_MAX);

  EXPECT_EQ(chunks_of(large), token_stream::max_window);
  EXPECT_EQ(chunks_of(opened), token_stream::max_window);
}

}  // namespace
}  // namespace coppice::worker
