#include "gateway/shard/shard.hpp"
#include "proto/codec/stream_length.hpp"
#include "proto/codec/tokens.hpp"
#include "tests/gateway/shard/shard_fixture.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;
using testing::t0;
using tokens = std::vector<std::int32_t>;

namespace {

/// Streams of a token model, `count`, whose engine is the test.
struct ShardStreams : testing::ShardFixture {
  explicit ShardStreams(shard_options options = {}) : ShardFixture{std::move(options)} {
    proto::model_card count;
    count.name = "count";
    count.version = 1;
    count.streams = true;
    gateway.on_catalogue({{count}, {}}, t0 - 1h);
  }

  /// As long as can be.
  proto::request a_stream(int id = 1) {
    auto request = a_request("count", id);
    request.parameters = {proto::encode(proto::stream_parameters{proto::max_stream_tokens})};
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
  void acknowledge(std::uint64_t seq) {
    proto::request ack;
    ack.v = 1;
    ack.op = "ack";
    ack.id.bytes = "\1";
    ack.session = "s";
    ack.seq = seq;
    send(ack);
  }
  /// The engine says the tokens of those numbers, in its largest chunks.
  void say_long(std::uint32_t from, std::uint32_t to) {
    while (from < to) {
      tokens chunk(std::min(to - from, proto::max_chunk_tokens));
      std::iota(chunk.begin(), chunk.end(), static_cast<std::int32_t>(from));
      say(from, chunk);
      from += static_cast<std::uint32_t>(chunk.size());
    }
  }
  void lose(std::uint64_t incarnation) {
    gateway.on_engine_down(
        {"engine-" + std::to_string(incarnation), {incarnation}, "was killed", {}, "killed"}, t0);
  }
  /// The last attempt as its engine decodes it.
  [[nodiscard]] expected<proto::link_request> received() const {
    return proto::decode<proto::link_request>(proto::encode(world.attempts.back().header),
                                              proto::max_link_header_bytes);
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
    say(world.attempts.back(), seq, said, last);
  }
  void say(const testing::recorded_world::sent& attempt, std::uint64_t seq, const tokens& said,
           bool last) {
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

TEST_F(ShardStreams, ALongStreamMovesUpToItsLastToken) {
  send(a_stream());
  grant_count(7);
  say_long(0, 99'999);
  lose(7);
  grant_count(8);

  ASSERT_EQ(world.attempts.size(), 2u);
  const auto moved = received();
  ASSERT_TRUE(moved) << moved.error().message;
  const auto emitted = proto::unpack_tokens(moved->emitted);
  ASSERT_EQ(emitted->size(), 99'999u);
  EXPECT_EQ(emitted->back(), 99'998);
  say(99'999, {99'999}, true);

  const auto all = heard();
  ASSERT_EQ(all.size(), 100'000u);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], static_cast<std::int32_t>(i));
  EXPECT_TRUE(world.replies.back().final);
}

TEST_F(ShardStreams, AStreamThatHasEveryTokenMovesForItsLastWord) {
  send(a_stream());
  grant_count(7);
  say_long(0, proto::max_stream_tokens);
  lose(7);
  grant_count(8);

  ASSERT_TRUE(received());
  say(proto::max_stream_tokens, {}, true);

  EXPECT_EQ(heard().size(), proto::max_stream_tokens);
  EXPECT_TRUE(world.replies.back().final);
  EXPECT_FALSE(world.replies.back().error);
}

TEST_F(ShardStreams, TheLongestStreamOfTheLargestHeaderFitsALink) {
  auto request = a_stream();
  request.inputs = {{"tokens", "INT32", {1}, {}, {}}};
  auto& prompt = request.inputs[0].data.bytes;
  prompt = "\xc5" + std::string(2, '\0');
  const auto rest = proto::max_header_bytes - proto::encode(request).size();
  prompt[1] = static_cast<char>(rest >> 8);
  prompt[2] = static_cast<char>(rest);
  prompt.append(rest, 'x');
  ASSERT_EQ(proto::encode(request).size(), proto::max_header_bytes);
  gateway.on_client_message(as_message(proto::encode(request), 0), 5, t0);
  grant_count(7);
  say_long(0, proto::max_stream_tokens);
  lose(7);
  grant_count(8);

  ASSERT_EQ(world.attempts.size(), 2u);
  const auto moved = received();
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(proto::unpack_tokens(moved->emitted)->size(), proto::max_stream_tokens);
}

TEST_F(ShardStreams, AnEngineThatPassesTheLongestStreamLosesIt) {
  send(a_stream());
  grant_count(7);
  say_long(0, proto::max_stream_tokens);

  say(proto::max_stream_tokens, {1});

  EXPECT_EQ(world.cancels.size(), 1u);
  EXPECT_EQ(heard().size(), proto::max_stream_tokens);
}

TEST_F(ShardStreams, ALongStreamWithoutChunksIsNotHeldBack) {
  auto request = a_stream();
  request.stream = false;
  send(request);
  grant_count(7);
  say_long(0, proto::max_stream_tokens - 1);

  say(proto::max_stream_tokens - 1, {7}, true);

  EXPECT_EQ(heard().size(), proto::max_stream_tokens);
}

TEST_F(ShardStreams, ALastWordThatLeavesAGapLosesTheStreamToAnotherAndItsCreditIsCountedOnce) {
  auto other = a_stream(2);
  other.key = "other";
  send(a_stream());
  send(other);
  grant_count(7);
  grant_count(7);
  ASSERT_EQ(world.attempts.size(), 2u);

  say(1, {3}, true);  // of the second

  ASSERT_EQ(world.attempts.size(), 3u) << "its credit came back with its last word";
  gateway.on_drain_notice({{{7}}, {}}, t0);
  EXPECT_EQ(world.drains.back().in_flight, 2u);
  EXPECT_TRUE(world.cancels.empty()) << "that attempt is over";
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

TEST_F(ShardStreams, AnEndThatFindsNoRoomIsSentWhenThereIsSome) {
  send(a_stream());
  grant_count(7);
  say(0, {1, 2});
  world.behind = 5;
  world.room = 0;
  say(2, {}, true);
  gateway.on_tick(t0 + 5ms);
  EXPECT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(gateway.rows().open_rows(), 1u);

  world.behind = -1;
  world.room = SIZE_MAX;
  gateway.on_tick(t0 + 10ms);

  ASSERT_EQ(world.replies.size(), 2u);
  EXPECT_TRUE(world.replies.back().final);
  EXPECT_EQ(code(1), "ok");
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

  acknowledge(2);

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

TEST_F(ShardStreams, AClientThatComesBackGetsNoMoreThanItsWindowBehindWhatItsReaderHasTaken) {
  auto request = a_stream();
  request.window = 4;
  send(request);
  grant_count(7);
  say(0, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  ASSERT_EQ(heard(), (tokens{1, 2, 3, 4}));
  acknowledge(2);
  ASSERT_EQ(heard().size(), 6u);
  gateway.on_client_gone(5, t0);

  auto again = request;
  again.again = true;
  again.emitted = proto::pack_tokens(heard());
  again.seq = 6;
  again.unread = 3;  // it has taken one more, not yet acknowledged
  send(again, "new connection", 6);

  EXPECT_EQ(heard(), (tokens{1, 2, 3, 4, 5, 6, 7}));

  acknowledge(4);
  EXPECT_EQ(heard(), (tokens{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(ShardStreams, AClientThatComesBackFromAnotherGatewayWithMoreTokensGoesOnBehindThem) {
  auto request = a_stream();
  send(request);
  grant_count(7);
  say(0, {1, 2});
  gateway.on_client_gone(5, t0);

  request.again = true;
  request.emitted = proto::pack_tokens(tokens{1, 2, 3, 4});
  request.seq = 4;
  send(request, "new connection", 6);
  say(2, {3, 4, 5});
  say(5, {6}, true);

  EXPECT_EQ(heard(), (tokens{1, 2, 5, 6}));
  EXPECT_TRUE(world.replies.back().final);
  EXPECT_FALSE(world.replies.back().error);
}

TEST_F(ShardStreams, AClientThatMovesToThisGatewayGetsNoMoreThanItsWindow) {
  auto request = a_stream();
  request.window = 4;
  request.emitted = proto::pack_tokens(tokens{1, 2, 3});
  request.seq = 3;
  request.unread = 3;
  send(request);
  grant_count(7);

  say(3, {4, 5, 6});

  EXPECT_EQ(heard(), (tokens{4}));
}

TEST_F(ShardStreams, MoreUnreadThanThereIsCountsAsAllOfIt) {
  auto request = a_stream();
  request.window = 4;
  request.emitted = proto::pack_tokens(tokens{1, 2});
  request.seq = 2;
  request.unread = 9;
  send(request);
  grant_count(7);

  say(2, {3, 4, 5});

  EXPECT_EQ(heard(), (tokens{3, 4}));
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

proto::request of_length(proto::request request, std::uint32_t max_tokens) {
  request.parameters = {proto::encode(proto::stream_parameters{max_tokens})};
  return request;
}

TEST_F(ShardStreams, AStreamTakesRoomForEveryTokenThatItMayGrowToUntilItEnds) {
  const auto request = of_length(a_stream(), 1000);
  send(request);
  EXPECT_EQ(gateway.rows().open_bytes(),
            proto::encode(request).size() + 4u * request.inputs.size() + 4000u);
  grant_count(7);
  const auto admitted = gateway.rows().open_bytes();

  say(0, {1, 2, 3});
  EXPECT_EQ(gateway.rows().open_bytes(), admitted);
  say(3, {4}, true);

  EXPECT_EQ(gateway.rows().open_bytes(), 0u);
}

/// The same with little room.
struct CrampedStreams : ShardStreams {
  static constexpr std::size_t cap = 40'000;

  CrampedStreams() : ShardStreams{cramped()} {}
  static shard_options cramped() {
    shard_options options;
    options.limits.admitted_bytes = cap;
    return options;
  }
};

TEST_F(CrampedStreams, AStreamThatMayGrowBeyondTheRoomThereIsIsRefusedBeforeItBegins) {
  auto request = a_stream();
  request.priority_class = "critical";
  request.key.clear();
  const auto plain = proto::encode(of_length(request, 2000)).size() + 4;
  const auto room = static_cast<std::uint32_t>((cap - plain) / 4);

  send(of_length(request, room + 1));
  ASSERT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(code(0), "overloaded");
  send(of_length(request, room));
  EXPECT_EQ(world.replies.size(), 1u);
  EXPECT_EQ(gateway.rows().open_rows(), 1u);
}

TEST_F(ShardStreams, AStreamOfALengthThatNoEngineTakesIsRefused) {
  send(of_length(a_stream(), 0));
  send(of_length(a_stream(), proto::max_stream_tokens + 1));
  auto longer = of_length(a_stream(), 2);
  longer.emitted = proto::pack_tokens(tokens{1, 2, 3});
  send(longer);

  ASSERT_EQ(world.replies.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(code(i), "invalid");
  EXPECT_EQ(gateway.rows().open_bytes(), 0u);
}

TEST_F(ShardStreams, AnEngineThatSaysMoreThanWasAskedForLosesTheStream) {
  send(of_length(a_stream(), 3));
  grant_count(7);
  say(0, {1, 2, 3, 4});

  EXPECT_EQ(world.cancels.size(), 1u);
  EXPECT_TRUE(heard().empty());
}

/// Streams that grow, move, are cancelled, end, or come from engines that say too much: what they
/// keep is within what was admitted, and that within the cap.
TEST_F(CrampedStreams, WhatStreamsKeepIsAdmittedAndWithinTheCapUnderRandomEvents) {
  std::mt19937 random{5};
  std::uint64_t engine = 1;
  int last_id = 0;
  std::size_t most = 0, refused = 0;
  std::map<attempt_id, std::uint64_t> said;  // by live or fenced attempts, with what came before
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1: {
        auto request = of_length(a_stream(1 + last_id++ % 100),
                                 static_cast<std::uint32_t>(1 + random() % 1000));
        request.key = std::to_string(last_id);
        request.window = static_cast<std::uint32_t>(1 + random() % 500);
        if (random() % 3 == 0) request.priority_class = "critical";
        send(request);
        break;
      }
      case 2:
        grant_count(engine);
        break;
      case 3:
        if (random() % 40 == 0) lose(engine++);
        break;
      case 4: {
        proto::request cancel;
        cancel.v = 1;
        cancel.op = random() % 4 == 0 ? "cancel" : "ack";
        cancel.id.bytes = std::string(1, static_cast<char>(1 + random() % 100));
        cancel.session = "s";
        cancel.seq = random() % 2500;
        send(cancel);
        break;
      }
      default: {
        if (world.attempts.empty()) break;
        const auto recent = std::min<std::size_t>(world.attempts.size(), 8);
        const auto& by = world.attempts[world.attempts.size() - 1 - random() % recent];
        const auto before = proto::unpack_tokens(by.header.emitted)->size();
        auto& at = said.try_emplace(by.header.attempt, before).first->second;
        const auto n = 1 + random() % 60;
        say(by, at, tokens(n, 1), random() % 12 == 0);
        at += n;
      }
    }
    const auto& rows = gateway.rows();
    ASSERT_LE(rows.open_bytes(), cap) << "step " << step;
    ASSERT_EQ(rows.open_bytes() == 0, rows.open_rows() == 0) << "step " << step;
    if (!world.attempts.empty()) {
      const auto& latest = world.attempts.back().header;
      ASSERT_LE(proto::unpack_tokens(latest.emitted)->size(),
                *proto::stream_length(latest.parameters));
    }
    most = std::max(most, rows.open_bytes());
  }
  for (std::size_t i = 0; i < world.replies.size(); ++i) refused += code(i) == "overloaded" ? 1 : 0;
  EXPECT_GT(most, cap * 8 / 10) << "the cap was come near to";
  EXPECT_GT(refused, 100u);
  EXPECT_GT(gateway.rows().counts().ended[static_cast<int>(outcome::completed)], 100u);
}

TEST_F(ShardStreams, AModelIsAskedByItsOwnOperation) {
  auto request = a_stream();
  request.op = "infer";
  send(request);
  EXPECT_EQ(code(0), "invalid");
}

}  // namespace

}  // namespace coppice::gateway
