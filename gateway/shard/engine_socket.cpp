#include "gateway/shard/engine_socket.hpp"

#include "base/random.hpp"
#include "gateway/shard/whole_message.hpp"
#include "keys/key_pair.hpp"
#include "proto/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

/// Without an interval (-1) libzmq closes what dropped by itself, at any moment; before this one
/// has passed it is closed here.
constexpr int never_ms = 3'600'000;
constexpr auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
constexpr auto last = zmq::send_flags::dontwait;

}  // namespace

engine_socket::engine_socket(zmq::context_t& context) : socket_{context, zmq::socket_type::router} {
  socket_.set(zmq::sockopt::affinity, std::uint64_t{2});
  socket_.set(zmq::sockopt::routing_id, fmt::format("G{:016x}", random_id()));
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::sndhwm, 100'000);
  socket_.set(zmq::sockopt::rcvhwm, 100'000);
  socket_.set(zmq::sockopt::reconnect_ivl, never_ms);
  socket_.set(zmq::sockopt::handshake_ivl, 2000);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(proto::max_frame_bytes));
}

bool engine_socket::receive(frame_list& message) {
  if (receive_whole(socket_, message)) return true;
  for (const auto& endpoint : std::exchange(closing_, {})) disconnect(endpoint);
  return false;
}

bool engine_socket::send(incarnation_id to, const std::string& header,
                         const frame_list& frames) try {
  const auto* route = routes_.find(to);
  if (route == nullptr || !socket_.send(zmq::buffer(*route), more)) return false;
  (void)socket_.send(zmq::buffer(header), frames.empty() ? last : more);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    zmq::message_t shared;
    shared.copy(const_cast<zmq::message_t&>(frames[i]));
    (void)socket_.send(shared, i + 1 < frames.size() ? more : last);
  }
  return true;
} catch (const zmq::error_t&) {
  return false;
}

bool engine_socket::is_closing(const std::string& endpoint) const {
  return std::ranges::find(closing_, endpoint) != closing_.end();
}

/// For the next connection.
void engine_socket::use_keys(const std::string& engine_key, const std::string& link_key) {
  if (engine_key.empty()) {
    // Without a value this goes back to NULL, as libzmq documents for PLAIN alone.
    zmq_setsockopt(socket_.handle(), ZMQ_PLAIN_USERNAME, nullptr, 0);
    return;
  }
  const auto own = key_pair::of_secret(link_key);
  socket_.set(zmq::sockopt::curve_serverkey, engine_key);
  socket_.set(zmq::sockopt::curve_publickey, own ? own->shown().text() : std::string{});
  socket_.set(zmq::sockopt::curve_secretkey, link_key);
}

bool engine_socket::open(incarnation_id incarnation, const std::string& endpoint,
                         const std::string& engine_key, const std::string& link_key) {
  if (is_closing(endpoint)) return false;
  use_keys(engine_key, link_key);
  socket_.set(zmq::sockopt::connect_routing_id, routes_.open(incarnation));
  socket_.connect(endpoint);
  open_[endpoint] = incarnation;
  return true;
}

void engine_socket::close(const std::string& endpoint) {
  const auto link = open_.find(endpoint);
  if (link == open_.end()) return;
  routes_.close(link->second);
  open_.erase(link);
  closing_.push_back(endpoint);
}

void engine_socket::disconnect(const std::string& endpoint) try {
  socket_.disconnect(endpoint);
} catch (const zmq::error_t&) {
  // It could not be connected.
}

}  // namespace coppice::gateway
