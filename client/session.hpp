#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "client/gateway_watch.hpp"
#include "proto/messages/client.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::client {

/// Frames of a message; shared with what is under way.
using frame_list = std::vector<std::shared_ptr<const std::string>>;

/// A reply's header and its frames.
struct answer_parts {
  proto::reply header;
  std::vector<std::string> frames;
  /// Of the request.
  std::string key = {};
};

/// What makes a request a stream.
struct token_stream {
  /// New tokens, in order, each once. @param seq  place of the first one in the whole stream.
  std::function<void(std::uint64_t seq, std::span<const std::int32_t> tokens)> deliver;
  /// Every token that arrived; the next one wanted has their number as its place.
  std::vector<std::int32_t> tokens;
  /// What the gateway was last told. `deliver` takes what arrives at once: nothing is unread.
  std::uint64_t acknowledged = 0;
  /// The stream was asked for again from there; what else arrives is from before.
  bool resuming = false;
};

/// A request that has no outcome yet.
struct open_request {
  /// The caller's name for it, for `cancel`; 0: none.
  std::uint64_t ticket = 0;
  proto::request header;
  frame_list frames;
  steady_time deadline;
  /// Called once.
  std::function<void(expected<answer_parts>)> done;
  /// Only of a `generate` with `stream`.
  std::unique_ptr<token_stream> stream;

  /// waiting: for a connection, or its turn. sent: the gateway has it, perhaps. resting: until
  /// `again_at`, after an error that is worth another try.
  enum class place { waiting, sent, resting };
  place where = place::waiting;
  steady_time again_at{};
  std::uint32_t tries = 0;
  /// The gateway's process that it was sent to last; none: unknown.
  incarnation_id sent_to;
};

struct session_limits {
  /// Requests without an outcome; a further one ends with `overloaded` at once.
  std::size_t open = 10'000;
  /// How long after its deadline a request waits for the cluster's own word on it.
  duration grace = 25ms;
  /// Requests sent each turn (5 ms) after a connection was made: resubmissions come paced.
  std::size_t sent_a_turn = 128;
};

/// What a session does to the world. Called inside its functions.
class session_effects {
 public:
  virtual ~session_effects() = default;
  /// Sends on the connection. The frames stay the session's.
  virtual void send(const proto::request& header, const frame_list& frames) = 0;
  /// Drops the connection and makes one to that gateway (its index).
  virtual void dial(std::size_t gateway) = 0;
};

/// The decisions of one client: ids, keys, deadlines, retries, what is sent again after a
/// connection was lost, streams without gap or repeat. Every request ends with exactly one outcome,
/// at the latest `grace` after its deadline if `tick` is called every 5 ms. What was sent to a
/// gateway that is gone goes to the next one with the same key; an at-most-once request only back
/// to the same process, elsewhere it ends with `unknown_outcome`. Pure; one thread.
/// session_streams.cpp has what is special about streams.
class session {
 public:
  /// @param name       of the session; with its numbers it makes the keys. Unique, not guessable.
  /// @param endpoints  of the gateways; not empty.
  /// @param effects    outlive the session.
  /// @param draw       gives uniform numbers in [0, 1).
  session(std::string name, const std::vector<std::string>& endpoints, bool retry,
          session_effects& effects, std::function<double()> draw,
          const session_limits& limits = {});

  void start(open_request&& request, steady_time now);
  /// Ends a request with `cancelled`, here and in the cluster; one that is not open is ignored.
  /// O(open requests).
  void cancel(std::uint64_t ticket);
  /// A message from the gateway.
  void take(answer_parts&& reply, steady_time now);
  /// What time brings. Every 5 ms while work is open.
  void tick(steady_time now);
  void connected(steady_time now);
  void disconnected(steady_time now);
  /// The gateway refuses this client: every open request ends with `why`.
  void refused(const error& why, steady_time now);
  /// Ends every open request with `why`.
  void close(const error& why);

  [[nodiscard]] std::size_t open() const noexcept { return open_.size(); }

 private:
  using entry = std::unordered_map<std::uint64_t, open_request>::iterator;
  struct alarm {
    steady_time at;
    std::uint64_t number;
    friend bool operator>(const alarm& a, const alarm& b) noexcept { return a.at > b.at; }
  };

  [[nodiscard]] bool may_send(const open_request& request) const noexcept;
  void queue(std::uint64_t number, open_request& request);
  void send_waiting(std::size_t most, steady_time now);
  void send(open_request& request, steady_time now);
  void ping();
  void lose_connection();
  void learn_gateway(const proto::reply& pong, steady_time now);
  void take_error(entry at, const proto::error_body& why, steady_time now);
  static void go_on_behind(proto::request& header, token_stream& stream);
  void take_chunk(entry at, answer_parts&& reply, steady_time now);
  void resume(entry at, steady_time now);
  void acknowledge(std::uint64_t number, open_request& request);
  void alarm_at(steady_time at, std::uint64_t number);
  void ring(std::uint64_t number, steady_time now);
  void finish(std::uint64_t number, expected<answer_parts>&& outcome);

  std::string name_;
  bool retry_;
  session_effects* effects_;
  std::function<double()> draw_;
  session_limits limits_;
  gateway_watch watch_;
  std::unordered_map<std::uint64_t, open_request> open_;
  /// Numbers that may be `waiting`, in the order in which they are sent.
  std::deque<std::uint64_t> waiting_;
  /// When to look at a request; entries of ended ones are dropped when they ring.
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> alarms_;
  std::uint64_t last_number_ = 0;
  /// Every request up to it has ended.
  std::uint64_t acked_ = 0;
  /// The gateway's process, as its pong says; and whether it has said anything.
  incarnation_id gateway_;
  bool gateway_known_ = false;
};

}  // namespace coppice::client
