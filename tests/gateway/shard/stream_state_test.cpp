#include "gateway/shard/stream_state.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <numeric>
#include <random>

namespace coppice::gateway {
namespace {

using arrival = stream_state::arrival;
using tokens = std::vector<token>;

tokens count(token first, std::size_t n) {
  tokens made(n);
  std::iota(made.begin(), made.end(), first);
  return made;
}

struct StreamState : ::testing::Test {
  stream_limits limits;
  stream_state stream{limits, 8};

  StreamState() { (void)stream.begin_attempt(); }
  /// Sends what may be sent. @returns it.
  tokens send() {
    tokens out;
    while (const auto piece = stream.next()) {
      EXPECT_EQ(piece->seq, stream.sent());
      out.insert(out.end(), piece->tokens.begin(), piece->tokens.end());
      stream.sent(*piece);
    }
    return out;
  }
};

TEST_F(StreamState, SendsTokensInOrder) {
  EXPECT_EQ(stream.take(0, count(0, 3)), arrival::taken);
  EXPECT_EQ(stream.take(3, count(3, 2)), arrival::taken);

  EXPECT_EQ(send(), count(0, 5));
}

TEST_F(StreamState, MergesWhatGathersWhileTheClientsWindowIsShut) {
  (void)stream.take(0, count(0, 8));
  EXPECT_EQ(send(), count(0, 8));
  (void)stream.take(8, count(8, 3));
  (void)stream.take(11, count(11, 3));
  EXPECT_FALSE(stream.next());

  stream.acknowledge(8);

  ASSERT_TRUE(stream.next());
  EXPECT_EQ(stream.next()->tokens.size(), 6u);
}

TEST_F(StreamState, SendsNoMoreThanTheWindow) {
  (void)stream.take(0, count(0, 20));
  EXPECT_EQ(send(), count(0, 8));
  stream.acknowledge(3);
  EXPECT_EQ(send(), count(8, 3));
}

TEST_F(StreamState, SendsEverythingToAClientThatAcknowledgesNothing) {
  stream = stream_state{limits, 0};
  (void)stream.begin_attempt();
  (void)stream.take(0, count(0, 1000));

  EXPECT_EQ(send(), count(0, 1000));
  EXPECT_EQ(stream.acknowledged(), 1000u);
}

TEST_F(StreamState, DropsAChunkThatItHas) {
  (void)stream.take(0, count(0, 4));

  EXPECT_EQ(stream.take(0, count(0, 4)), arrival::repeated);
  EXPECT_EQ(stream.take(2, count(2, 2)), arrival::repeated);
  EXPECT_EQ(stream.emitted().size(), 4u);
}

TEST_F(StreamState, TakesTheNewPartOfAChunkThatOverlaps) {
  (void)stream.take(0, count(0, 4));

  EXPECT_EQ(stream.take(2, count(2, 4)), arrival::taken);
  EXPECT_EQ(stream.emitted(), count(0, 6));
}

TEST_F(StreamState, EndsAnAttemptThatLeavesAGapOrChangesAToken) {
  (void)stream.take(0, count(0, 4));

  EXPECT_EQ(stream.take(5, count(5, 1)), arrival::broken);
  EXPECT_EQ(stream.take(3, count(9, 1)), arrival::broken);
  EXPECT_EQ(stream.emitted(), count(0, 4));
}

TEST_F(StreamState, EndsAnAttemptWhoseChunksAreTooLargeOrTooMany) {
  EXPECT_EQ(stream.take(0, count(0, limits.max_chunk + 1)), arrival::broken);
  for (std::uint32_t i = 0; i < limits.link_window; ++i)
    EXPECT_EQ(stream.take(i, count(static_cast<token>(i), 1)), arrival::taken);
  EXPECT_EQ(stream.take(limits.link_window, count(16, 1)), arrival::broken);
}

TEST_F(StreamState, EndsAnAttemptThatPassesTheStreamsLength) {
  limits.max_tokens = 4;
  stream = stream_state{limits, 0};
  (void)stream.begin_attempt();

  EXPECT_EQ(stream.take(0, count(0, 4)), arrival::taken);
  EXPECT_EQ(stream.take(4, count(4, 1)), arrival::broken);
}

TEST_F(StreamState, TakesNothingBehindItsEnd) {
  (void)stream.take_last(0, count(0, 4));

  EXPECT_EQ(stream.take(0, count(0, 4)), arrival::repeated);
  EXPECT_EQ(stream.take(4, count(4, 1)), arrival::broken);
}

TEST_F(StreamState, TakesTheEnginesLastWordWithoutAWindow) {
  limits.link_window = 1;
  stream = stream_state{limits, 8};
  (void)stream.begin_attempt();
  EXPECT_EQ(stream.take(0, count(0, 2)), arrival::taken);
  EXPECT_EQ(stream.take(2, count(2, 1)), arrival::broken);

  EXPECT_EQ(stream.take_last(2, count(2, 1)), arrival::taken);
  EXPECT_EQ(stream.emitted(), count(0, 3));
}

TEST_F(StreamState, IsNotOverAfterALastWordThatIsBroken) {
  (void)stream.take(0, count(0, 2));

  EXPECT_EQ(stream.take_last(3, count(3, 1)), arrival::broken);
  (void)send();
  EXPECT_FALSE(stream.is_complete());

  EXPECT_EQ(stream.take_last(2, {}), arrival::repeated);
  EXPECT_TRUE(stream.is_complete());
}

TEST_F(StreamState, TakesALastWordNoLargerThanAnyOther) {
  EXPECT_EQ(stream.take_last(0, count(0, limits.max_chunk + 1)), arrival::broken);
  EXPECT_EQ(stream.take_last(0, count(0, limits.max_chunk)), arrival::taken);
}

TEST_F(StreamState, IsCompleteWhenTheLastTokenWasSent) {
  (void)stream.take_last(0, count(0, 9));
  (void)send();
  EXPECT_FALSE(stream.is_complete());

  stream.acknowledge(8);
  (void)send();

  EXPECT_TRUE(stream.is_complete());
}

TEST_F(StreamState, GoesOnBehindWhatTheClientHasFromBefore) {
  stream = stream_state{limits, 8, count(0, 5)};
  (void)stream.begin_attempt();

  EXPECT_EQ(stream.take(5, count(5, 2)), arrival::taken);

  ASSERT_TRUE(stream.next());
  EXPECT_EQ(stream.next()->seq, 5u);
}

TEST_F(StreamState, GivesTheNextAttemptEveryTokenAndAWindow) {
  (void)stream.take(0, count(0, 4));
  (void)send();

  EXPECT_EQ(stream.begin_attempt(), limits.link_window);

  EXPECT_EQ(stream.emitted(), count(0, 4));
  EXPECT_EQ(stream.take(4, count(4, 1)), arrival::taken);
}

TEST_F(StreamState, ReturnsTheEnginesWindowInHalves) {
  const auto take_and_send = [&](token i) {
    (void)stream.take(static_cast<std::uint64_t>(i), count(i, 1));
    (void)send();
  };
  for (token i = 0; i < 7; ++i) take_and_send(i);
  EXPECT_EQ(stream.more_window(), 0u);

  take_and_send(7);

  EXPECT_EQ(stream.more_window(), 8u);
  EXPECT_EQ(stream.more_window(), 0u);
}

TEST_F(StreamState, WithholdsTheEnginesWindowWhileTheTailIsLong) {
  limits.max_tail = 4 * limits.max_chunk;
  stream = stream_state{limits, limits.max_chunk};
  EXPECT_EQ(stream.begin_attempt(), 4u);
  for (std::uint64_t i = 0; i < 4; ++i)
    (void)stream.take(i * limits.max_chunk,
                      count(static_cast<token>(i * limits.max_chunk), limits.max_chunk));
  EXPECT_EQ(stream.more_window(), 0u);

  (void)send();

  EXPECT_EQ(stream.more_window(), 1u);
}

TEST_F(StreamState, NeverWithholdsTheEnginesWindowForWhatItHasSent) {
  // A client acknowledges by halves of its window, which may be longer than any tail.
  stream = stream_state{limits, proto::max_stream_tokens};
  (void)stream.begin_attempt();
  std::uint64_t at = 0;
  for (; at + limits.max_chunk <= limits.max_tokens; at += limits.max_chunk) {
    ASSERT_EQ(stream.take(at, count(static_cast<token>(at), limits.max_chunk)), arrival::taken);
    (void)send();
    (void)stream.more_window();
  }
  EXPECT_GT(at, limits.max_tail + limits.max_chunk);
}

TEST_F(StreamState, NeverWithholdsTheEnginesWindowWhereNothingIsSentBeforeTheEnd) {
  stream = stream_state{limits, 0};
  (void)stream.begin_attempt();
  std::uint64_t at = 0;
  for (; at + limits.max_chunk <= limits.max_tokens; at += limits.max_chunk) {
    ASSERT_EQ(stream.take(at, count(static_cast<token>(at), limits.max_chunk)), arrival::taken);
    (void)stream.more_window();
  }
  EXPECT_GT(at, limits.max_tail + limits.max_chunk);
}

TEST_F(StreamState, SendsAgainFromTheTokenThatAReconnectedClientWants) {
  (void)stream.take(0, count(0, 6));
  (void)send();

  ASSERT_TRUE(stream.resume(2, 2));

  EXPECT_EQ(send(), count(2, 4));
}

TEST_F(StreamState, CountsTheWindowOfAReconnectedClientFromWhatItsReaderHasTaken) {
  (void)stream.take(0, count(0, 30));
  (void)send();

  ASSERT_TRUE(stream.resume(8, 5));

  EXPECT_EQ(send(), count(8, 5)) << "8 behind what was taken, of which it has 3";
}

TEST_F(StreamState, TakesNoMoreAsAcknowledgedThanAReconnectedClientHas) {
  (void)stream.take(0, count(0, 30));
  (void)send();

  ASSERT_TRUE(stream.resume(4, 30));

  EXPECT_EQ(stream.acknowledged(), 4u);
  EXPECT_EQ(send(), count(4, 8));
}

TEST_F(StreamState, CannotResumeBeyondWhatWasEmitted) {
  (void)stream.take(0, count(0, 6));

  EXPECT_TRUE(stream.resume(6, 6));
  ASSERT_FALSE(stream.resume(7, 6));
  EXPECT_EQ(stream.resume(7, 6).error().code, errc::resume_expired);
}

TEST_F(StreamState, LearnsWhatItsClientHasByAnotherGateway) {
  (void)stream.take(0, count(0, 3));

  stream.learn(count(0, 5));

  EXPECT_EQ(stream.emitted(), count(0, 5));
  ASSERT_TRUE(stream.resume(5, 5));
  EXPECT_EQ(stream.take(3, count(3, 2)), arrival::repeated);
  EXPECT_EQ(stream.take(5, count(5, 1)), arrival::taken);
  EXPECT_EQ(send(), count(5, 1));
}

TEST_F(StreamState, LearnsNothingThatItHasThatDiffersThatIsTooMuchOrBehindItsEnd) {
  limits.max_tokens = 6;
  stream = stream_state{limits, 8};
  (void)stream.begin_attempt();
  (void)stream.take(0, count(0, 3));

  stream.learn(count(0, 2));
  stream.learn(count(7, 5));
  stream.learn(count(0, 7));
  EXPECT_EQ(stream.emitted(), count(0, 3));
  stream.learn(count(0, 6));
  EXPECT_EQ(stream.emitted(), count(0, 6));

  stream = stream_state{limits, 8};
  (void)stream.begin_attempt();
  (void)stream.take_last(0, count(0, 3));
  stream.learn(count(0, 5));
  EXPECT_EQ(stream.emitted(), count(0, 3));
}

TEST_F(StreamState, IgnoresAnAcknowledgementOfWhatWasNeverSent) {
  (void)stream.take(0, count(0, 6));
  (void)send();

  stream.acknowledge(7);
  EXPECT_EQ(stream.acknowledged(), 0u);
  stream.acknowledge(6);
  stream.acknowledge(3);
  EXPECT_EQ(stream.acknowledged(), 6u);
}

/// An engine that counts, links that repeat and die, a client that acknowledges late and loses its
/// connection: in any interleaving the client sees 0, 1, 2, ... once each.
class stream_world {
 public:
  explicit stream_world(unsigned seed) : random_{seed} { begin_attempt(); }

  void step() {
    switch (random_() % 16) {
      case 0:
        return begin_attempt();  // the engine was lost
      case 1:
        return reconnect();
      case 2:
      case 3:
      case 4:
      case 5:
        return produce();
      case 6:
      case 7:
      case 8:
        return deliver_chunk();
      case 9:
      case 10:
      case 11:
        return send();
      case 12:
      case 13:
      case 14:
        return read();
      default:
        return acknowledge();
    }
  }
  [[nodiscard]] bool is_over() const { return stream_.is_complete() && seen_ == total; }

 private:
  static constexpr token total = 3000;

  void begin_attempt() {
    window_ = stream_.begin_attempt();
    produced_ = stream_.emitted().size();
    chunks_.clear();  // the fence
  }
  void produce() {
    window_ += stream_.more_window();
    if (produced_ == total) return;
    const auto n = std::min<std::size_t>(random_() % limits_.max_chunk + 1, total - produced_);
    if (window_ == 0 && produced_ + n < total) return;
    if (window_ > 0) --window_;
    chunks_.push_back({produced_, count(static_cast<token>(produced_), n)});
    if (random_() % 8 == 0) chunks_.push_back(chunks_[random_() % chunks_.size()]);
    produced_ += n;
  }
  void deliver_chunk() {
    if (chunks_.empty()) return;
    const auto [seq, content] = chunks_.front();
    chunks_.pop_front();
    const auto before = stream_.emitted().size() - stream_.sent();
    if (seq + content.size() == total) {
      ASSERT_NE(stream_.take_last(seq, content), arrival::broken);
      ASSERT_LE(stream_.emitted().size() - stream_.sent(),
                std::max<std::size_t>(before, limits_.max_tail) + limits_.max_chunk);
    } else {
      ASSERT_NE(stream_.take(seq, content), arrival::broken);
      ASSERT_LE(stream_.emitted().size() - stream_.sent(), limits_.max_tail + resumed_);
    }
  }
  void send() {
    const auto piece = stream_.next();
    if (!piece) return;
    ASSERT_LE(piece->seq + piece->tokens.size(),
              stream_.acknowledged() + std::size_t{window_of_client});
    pieces_.push_back({piece->seq, {piece->tokens.begin(), piece->tokens.end()}});
    stream_.sent(*piece);
  }
  void read() {
    if (pieces_.empty()) return;
    const auto [seq, content] = pieces_.front();
    pieces_.pop_front();
    ASSERT_EQ(seq, static_cast<std::uint64_t>(seen_));
    ASSERT_EQ(content, count(seen_, content.size()));
    seen_ += static_cast<token>(content.size());
    ASSERT_LE(seen_ - taken_, window_of_client);
  }
  /// The reader takes some of what the client has.
  void acknowledge() {
    taken_ += static_cast<token>(random_() % static_cast<unsigned>(seen_ - taken_ + 1));
    stream_.acknowledge(static_cast<std::uint64_t>(taken_));
  }
  void reconnect() {
    pieces_.clear();
    ASSERT_TRUE(
        stream_.resume(static_cast<std::uint64_t>(seen_), static_cast<std::uint64_t>(taken_)));
    resumed_ = static_cast<std::uint32_t>(window_of_client);
  }

  static constexpr token window_of_client = 50;
  struct part {
    std::uint64_t seq;
    tokens content;
  };
  std::mt19937 random_;
  stream_limits limits_{.link_window = 4, .max_chunk = 10, .max_tail = 100, .max_piece = 30};
  stream_state stream_{limits_, static_cast<std::uint32_t>(window_of_client)};
  std::deque<part> chunks_, pieces_;
  std::uint32_t window_ = 0;
  std::size_t produced_ = 0;
  /// Tokens that the client has, and those of them that its reader has taken.
  token seen_ = 0, taken_ = 0;
  /// How much longer a resume may have made the tail.
  std::uint32_t resumed_ = 0;
};

TEST(StreamStateInAnyOrder, HasNoGapAndNoRepeatAndEnds) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    stream_world world{seed};
    int steps = 0;
    for (; steps < 200'000 && !world.is_over(); ++steps) {
      world.step();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
    }
    ASSERT_TRUE(world.is_over()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace coppice::gateway
