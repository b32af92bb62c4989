#include "gateway/admission/outgoing_bytes.hpp"

#include <algorithm>

namespace coppice::gateway {

/// A frame in libzmq's hands, and whom to give its bytes back to.
struct outgoing_bytes::held_frame {
  zmq::message_t frame;
  std::size_t bytes;
  std::shared_ptr<account> client, total;
};

void outgoing_bytes::let_go(void*, void* frame) {
  const std::unique_ptr<held_frame> held{static_cast<held_frame*>(frame)};
  *held->client -= held->bytes;
  *held->total -= held->bytes;
}

std::shared_ptr<outgoing_bytes::account> outgoing_bytes::account_of(std::string_view client) {
  if (const auto known = accounts_.find(client); known != accounts_.end()) return known->second;
  if (accounts_.size() >= sweep_at_) {
    std::erase_if(accounts_, [](const auto& each) { return each.second->load() == 0; });
    sweep_at_ = std::max<std::size_t>(1024, 2 * accounts_.size());
  }
  return accounts_[std::string{client}] = std::make_shared<account>(0);
}

zmq::message_t outgoing_bytes::hold(std::string_view client, zmq::message_t&& last,
                                    std::size_t bytes) {
  if (bytes < counted_from) return std::move(last);
  auto held =
      std::make_unique<held_frame>(held_frame{std::move(last), bytes, account_of(client), total_});
  *held->client += bytes;
  *held->total += bytes;
  auto& frame = held->frame;
  zmq::message_t counted{frame.data(), frame.size(), let_go, held.get()};
  held.release();  // NOLINT(bugprone-unused-return-value): `let_go` takes it back
  return counted;
}

bool outgoing_bytes::has_room(std::string_view client, std::size_t bytes) const {
  const auto held = held_by(client);
  return held == 0 || (held < per_client_ && bytes <= per_client_ - held);
}

std::size_t outgoing_bytes::held_by(std::string_view client) const {
  const auto known = accounts_.find(client);
  return known == accounts_.end() ? 0 : known->second->load();
}

}  // namespace coppice::gateway
