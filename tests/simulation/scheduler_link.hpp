#pragma once

#include "base/backoff.hpp"
#include "proto/codec/codec.hpp"
#include "tests/simulation/world.hpp"

#include <string>

namespace coppice::simulation {

/// Mirrors actors/scheduler_dialler: keeps one connection to a scheduler, and dials again with
/// back-off and jitter.
class scheduler_link {
 public:
  scheduler_link(world& all, host_id owner, std::string endpoint)
      : world_{all}, owner_{owner}, endpoint_{std::move(endpoint)} {}

  enum class change { none, up, down };
  /// What an arrival on its connection means.
  change take(const arrival& it, steady_time now);
  /// Dials, or gives a dial up, when it is time. @returns when to call again.
  steady_time turn(steady_time now);
  [[nodiscard]] connection_id connection() const noexcept { return connection_; }
  [[nodiscard]] bool is_up() const noexcept { return up_; }

 private:
  void dial_later(steady_time now);

  world& world_;
  host_id owner_;
  std::string endpoint_;
  backoff pause_{.base = 50ms, .cap = 2s, .jitter = 0.5};
  std::uint32_t streak_ = 0;
  connection_id connection_ = no_connection;
  bool up_ = false;
  /// When it dials; while it dials, when it gives up.
  steady_time next_ = steady_time::min();
};

/// Where scheduler `index` publishes itself.
[[nodiscard]] std::string scheduler_endpoint(std::uint32_t index);

template <proto::message Message>
void pass_through_codec(Message& it) {
  auto got = proto::decode<Message>(proto::encode(it));
  it = got ? std::move(*got) : Message{};
}
inline void pass_through_codec(place_ask& it) { pass_through_codec(it.demand); }
inline void pass_through_codec(place_answer& it) { pass_through_codec(it.reply); }

/// Sends a control message: through the codec, as CAF's inspectors and the control pipe do, if the
/// scenario says so. What the codec refuses arrives empty.
template <class Message>
void send_control(world& all, connection_id on, host_id from, Message message) {
  if (all.of().codec_everywhere) pass_through_codec(message);
  all.net().send(on, from, {{}, control_message{std::move(message)}});
}

}  // namespace coppice::simulation
