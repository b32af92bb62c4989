#include "gateway/shard/shard.hpp"
#include "proto/codec/tokens.hpp"
#include "tests/gateway/shard/shard_fixture.hpp"

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::t0;
using tokens = std::vector<std::int32_t>;

namespace {

/// Streams of a token model, `count`, whose engine is the test.
struct ShardStreams : testing::ShardFixture {
  ShardStreams() {
    proto::model_card count;
    count.name = "count";
    count.version = 1;
    count.streams = true;
    gateway.on_catalogue({{count}}, t0 - 1h);
  }

  proto::request a_stream(int id = 1) {
    auto request = a_request("count", id);
    request.op = "generate";
    request.session = "s";
    request.key = "k";
    request.stream = true;
    return request;
  }
  void send(const proto::request& request, const std::string& client = "client",
            int connection = 5) {
    gateway.on_client_message(as_message(request, client), connection, t0);
  }
  void grant_count(std::uint64_t incarnation) {
    proto::grant given;
    given.incarnation = {incarnation};
    given.engine = "engine-" + std::to_string(incarnation);
    given.endpoint = "tcp://e" + std::to_string(incarnation);
    given.model = "count";
    given.version = 1;
    given.rows = 1;
    given.ttl_us = 1'000'000;
    gateway.on_place_reply({{given}, {}}, t0);
  }
  void say(std::uint64_t seq, const tokens& said, bool last = false) {
    const auto& attempt = world.attempts.back();
    proto::link_reply reply;
    reply.op = last ? "reply" : "chunk";
    reply.final = last;
    reply.attempt = attempt.header.attempt;
    reply.incarnation = attempt.to;
    reply.seq = seq;
    reply.credit = last ? 1 : 0;
    reply.outputs.push_back({"tokens", "INT32", {static_cast<std::int64_t>(said.size())}, 0, {}});
    frame_list message;
    message.emplace_back(std::string("engine"));
    message.emplace_back(proto::encode(reply));
    message.emplace_back(said.data(), said.size() * sizeof(std::int32_t));
    gateway.on_link_message(std::move(message), t0);
  }
  /// Every token of the replies so far, in their order.
  [[nodiscard]] tokens heard() const {
    tokens all;
    for (std::size_t i = 0; i < world.replies.size(); ++i) {
      const auto part = proto::tokens_in(world.replies[i].outputs, world.reply_frames[i]);
      all.insert(all.end(), part->begin(), part->end());
    }
    return all;
  }
};

TEST_F(ShardStreams, PassesChunksOnInTheirOrderAndEndsWithAFinalReply) {
  send(a_stream());
  grant_count(7);
  ASSERT_EQ(world.attempts.size(), 1u);
  EXPECT_EQ(world.attempts[0].header.op, "generate");
  EXPECT_GT(world.attempts[0].header.window, 0u);

  say(0, {1, 2});
  say(2, {3});
  say(3, {4}, true);

  EXPECT_EQ(heard(), (tokens{1, 2, 3, 4}));
  EXPECT_FALSE(world.replies[0].final);
  EXPECT_EQ(world.replies[1].seq, 2u);
  EXPECT_TRUE(world.replies.back().final);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(ShardStreams, WithoutStreamItIsOneReplyWithEveryToken) {
  auto request = a_stream();
  request.stream = false;
  send(request);
  grant_count(7);
  say(0, {1, 2});
  EXPECT_TRUE(world.replies.empty());

  say(2, {3}, true);

  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(heard(), (tokens{1, 2, 3}));
}

TEST_F(ShardStreams, AnAtMostOnceStreamThatIsNotReadYetEndsAStopWithAnUnknownOutcome) {
  auto request = a_stream();
  request.at_most_once = true;
  request.window = 1;
  send(request);
  grant_count(7);
  say(0, {1});
  say(1, {2}, true);
  ASSERT_EQ(gateway.rows().open_rows(), 1u) << "the client has not acknowledged the first token";

  gateway.on_stop(t0);

  ASSERT_TRUE(world.replies.back().error);
  EXPECT_EQ(world.replies.back().error->code, "unknown_outcome");
}

TEST_F(ShardStreams, AnotherEngineGoesOnBehindWhatWasEmitted) {
  send(a_stream());
  grant_count(7);
  say(0, {1, 2});
  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, t0);
  grant_count(8);

  ASSERT_EQ(world.attempts.size(), 2u);
  EXPECT_EQ(proto::unpack_tokens(world.attempts[1].header.emitted), (tokens{1, 2}));
  say(2, {3}, true);
  EXPECT_EQ(heard(), (tokens{1, 2, 3}));
}

TEST_F(ShardStreams, AChunkOfAFencedAttemptIsKeptOut) {
  send(a_stream());
  grant_count(7);
  gateway.on_engine_down({"engine-7", {7}, "was killed", {}, "killed"}, t0);
  say(0, {9});
  EXPECT_TRUE(world.replies.empty());
}

TEST_F(ShardStreams, AnEngineThatLeavesAGapLosesTheStreamToAnother) {
  send(a_stream());
  grant_count(7);
  say(0, {1});
  say(2, {3});
  EXPECT_EQ(world.cancels.size(), 1u);
  grant_count(8);
  ASSERT_EQ(world.attempts.size(), 2u);
  say(1, {2}, true);
  EXPECT_EQ(heard(), (tokens{1, 2}));
}

TEST_F(ShardStreams, APartThatFindsNoRoomIsSentWhenThereIsSome) {
  send(a_stream());
  grant_count(7);
  world.room = 0;
  say(0, {1, 2});
  say(2, {3}, true);
  gateway.on_tick(t0 + 5ms);
  EXPECT_TRUE(world.replies.empty());
  EXPECT_EQ(gateway.rows().open_rows(), 1u);

  world.room = SIZE_MAX;
  gateway.on_tick(t0 + 10ms);

  EXPECT_EQ(heard(), (tokens{1, 2, 3}));
  EXPECT_TRUE(world.replies.back().final);
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(ShardStreams, AClientThatDoesNotAcknowledgeIsSentItsWindowAndTheRestMerged) {
  auto request = a_stream();
  request.window = 2;
  send(request);
  grant_count(7);
  say(0, {1});
  say(1, {2});
  say(2, {3});
  say(3, {4}, true);
  EXPECT_EQ(heard(), (tokens{1, 2}));
  EXPECT_EQ(gateway.rows().open_rows(), 1u);

  proto::request ack;
  ack.v = 1;
  ack.op = "ack";
  ack.id = request.id;
  ack.session = "s";
  ack.seq = 2;
  send(ack);

  EXPECT_EQ(heard(), (tokens{1, 2, 3, 4}));
  EXPECT_EQ(gateway.rows().open_rows(), 0u);
}

TEST_F(ShardStreams, AClientThatComesBackGoesOnFromTheTokenItNames) {
  send(a_stream());
  grant_count(7);
  say(0, {1, 2, 3});
  gateway.on_client_gone(5, t0);

  proto::request resume;
  resume.v = 1;
  resume.op = "resume";
  resume.id.bytes = "\1";
  resume.session = "s";
  resume.key = "k";
  resume.seq = 1;
  send(resume, "new connection", 6);

  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_EQ(world.replies[1].seq, 1u);
  EXPECT_EQ(world.addresses[1].routing_id, "new connection");
  say(3, {4}, true);
  EXPECT_EQ(world.replies.back().seq, 4u);

  resume.seq = 2;  // once more, now that it is over
  send(resume, "new connection", 6);
  EXPECT_EQ(world.replies.back().seq, 2u);
  EXPECT_EQ(proto::tokens_in(world.replies.back().outputs, world.reply_frames.back()),
            (tokens{3, 4}));
}

TEST_F(ShardStreams, AStreamThatNobodyKnowsCannotBeResumed) {
  proto::request resume;
  resume.v = 1;
  resume.op = "resume";
  resume.key = "never heard of";
  send(resume);
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "resume_expired");
}

TEST_F(ShardStreams, AModelIsAskedByItsOwnOperation) {
  auto request = a_stream();
  request.op = "infer";
  send(request);
  EXPECT_EQ(code(0), "invalid");
}

}  // namespace

}  // namespace coppice::gateway
