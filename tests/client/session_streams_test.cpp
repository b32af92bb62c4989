#include "tests/client/session_fixture.hpp"

namespace coppice::client {

namespace {

using SessionStreams = testing::SessionFixture;
using testing::t0;

TEST_F(SessionStreams, DeliversTheTokensOfAStreamInOrder) {
  connect();
  asking.start(a_stream(1), t0);
  const auto sent = world.take("generate");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].stream);

  chunk(sent[0], 0, 2);
  chunk(sent[0], 2, 3);
  chunk(sent[0], 5, 0, true);

  EXPECT_EQ(tokens, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(outcome(1), "ok");
}

TEST_F(SessionStreams, AcknowledgesAStreamByHalvesOfItsWindow) {
  connect();
  asking.start(a_stream(1, 8), t0);
  const auto sent = world.take("generate");
  chunk(sent[0], 0, 3);
  EXPECT_TRUE(world.take("ack").empty());

  chunk(sent[0], 3, 1);

  const auto acks = world.take("ack");
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].seq, 4u);
  EXPECT_EQ(acks[0].id, sent[0].id);
}

TEST_F(SessionStreams, CutsWhatAStreamRepeatsAndAsksForWhatItMisses) {
  connect();
  asking.start(a_stream(1, 100), t0);
  const auto sent = world.take("generate");
  chunk(sent[0], 0, 4);
  chunk(sent[0], 2, 4);
  EXPECT_EQ(tokens.size(), 6u);

  chunk(sent[0], 8, 2);
  chunk(sent[0], 10, 2);

  const auto again = world.take("generate");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].seq, 6u);
  chunk(sent[0], 6, 6, true);
  EXPECT_EQ(tokens.size(), 12u);
  EXPECT_EQ(outcome(1), "ok");
}

TEST_F(SessionStreams, ResumesAStreamBehindTheTokensItHas) {
  connect();
  asking.start(a_stream(1), t0);
  const auto sent = world.take("generate");
  chunk(sent[0], 0, 3);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);

  const auto again = world.take("generate");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].key, sent[0].key);
  EXPECT_EQ(again[0].seq, 3u);
  EXPECT_EQ(proto::unpack_tokens(again[0].emitted), (std::vector<std::int32_t>{0, 1, 2}));
  chunk(sent[0], 3, 1, true);
  EXPECT_EQ(tokens.size(), 4u);
}

TEST_F(SessionStreams, ResumesTheLongestStreamAnywhere) {
  connect();
  asking.start(a_stream(1, 100), t0);
  const auto sent = world.take("generate");
  chunk(sent[0], 0, 99'999);
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);

  const auto again = world.take("generate");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].seq, 99'999u);
  EXPECT_LE(proto::encode(again[0]).size(), proto::max_request_header_bytes);
  EXPECT_EQ(proto::unpack_tokens(again[0].emitted), tokens);
  chunk(sent[0], 99'999, 1, true);
  EXPECT_EQ(tokens.size(), 100'000u);
  EXPECT_EQ(outcome(1), "ok");
}

TEST_F(SessionStreams, HasNothingUnreadAtTheNextConnectionForItsReaderTakesAtOnce) {
  connect();
  asking.start(a_stream(1, 8), t0);
  const auto sent = world.take("generate");
  chunk(sent[0], 0, 3);
  EXPECT_TRUE(world.take("ack").empty()) << "less than half of the window";
  asking.disconnected(t0);
  asking.tick(t0);
  asking.connected(t0);

  const auto again = world.take("generate");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].seq, 3u);
  EXPECT_EQ(again[0].unread, 0u);
  chunk(sent[0], 3, 3);
  EXPECT_TRUE(world.take("ack").empty());
  chunk(sent[0], 6, 1);
  const auto acks = world.take("ack");
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].seq, 7u) << "half of the window behind what it had then";
}

}  // namespace

}  // namespace coppice::client
