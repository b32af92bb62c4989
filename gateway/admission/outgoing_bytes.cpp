#include "gateway/admission/outgoing_bytes.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

std::size_t place_of(int connection) noexcept { return static_cast<std::size_t>(connection + 1); }

template <class Account>
std::size_t value_of(const std::shared_ptr<Account>& counted) noexcept {
  return counted == nullptr ? 0 : counted->load();
}

}  // namespace

/// A frame in libzmq's hands, and whom to give its bytes back to.
struct outgoing_bytes::held_frame {
  zmq::message_t frame;
  std::size_t bytes;
  std::shared_ptr<account> client, total;
  /// Null: it was within the client's share.
  std::shared_ptr<account> beyond;
};

void outgoing_bytes::let_go(void*, void* frame) {
  const std::unique_ptr<held_frame> held{static_cast<held_frame*>(frame)};
  *held->client -= held->bytes;
  *held->total -= held->bytes;
  if (held->beyond != nullptr) *held->beyond -= held->bytes;
}

outgoing_bytes::client& outgoing_bytes::client_of(int connection) {
  const auto at = place_of(connection);
  if (at >= clients_.size()) clients_.resize(at + 1);
  return clients_[at];
}

const outgoing_bytes::client* outgoing_bytes::find(int connection) const noexcept {
  const auto at = place_of(connection);
  return at < clients_.size() ? &clients_[at] : nullptr;
}

zmq::message_t outgoing_bytes::count(client& to, zmq::message_t&& last, std::size_t bytes,
                                     std::shared_ptr<account> beyond) {
  if (to.held == nullptr) to.held = std::make_shared<account>(0);
  auto held = std::make_unique<held_frame>(
      held_frame{std::move(last), bytes, to.held, total_, std::move(beyond)});
  *held->client += bytes;
  *held->total += bytes;
  if (held->beyond != nullptr) *held->beyond += bytes;
  auto& frame = held->frame;
  zmq::message_t sent{frame.data(), frame.size(), let_go, held.get()};
  held.release();  // NOLINT(bugprone-unused-return-value): `let_go` takes it back
  return sent;
}

zmq::message_t outgoing_bytes::hold(int connection, zmq::message_t&& last, std::size_t bytes) {
  auto& to = client_of(connection);
  if (is_full(connection)) {
    if (to.beyond == nullptr) to.beyond = std::make_shared<account>(0);
    return count(to, std::move(last), bytes, to.beyond);
  }
  to.gathered += bytes;
  if (to.gathered < counted_from) return std::move(last);
  return count(to, std::move(last), std::exchange(to.gathered, 0), nullptr);
}

bool outgoing_bytes::has_room(int connection, std::size_t bytes) const noexcept {
  const auto held = held_by(connection);
  if (held + bytes <= always) return true;
  const auto all = total();
  if (all == 0) return true;
  const auto left = all < limits_.total ? limits_.total - all : 0;
  return held + bytes <= (held == 0 ? left : std::min(limits_.per_client, left));
}

bool outgoing_bytes::has_room_for_failure(int connection, std::size_t bytes) const noexcept {
  if (!is_full(connection)) return true;
  const auto* to = find(connection);
  return to == nullptr || value_of(to->beyond) + bytes <= always;
}

void outgoing_bytes::closed(int connection) noexcept {
  if (const auto at = place_of(connection); at < clients_.size()) clients_[at] = {};
}

std::size_t outgoing_bytes::held_by(int connection) const noexcept {
  const auto* to = find(connection);
  return to == nullptr ? 0 : value_of(to->held);
}

}  // namespace coppice::gateway
