#include "client/connection.hpp"

#include "base/random.hpp"
#include "proto/codec/codec.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace coppice::client {

namespace {

/// Below this a copy costs less than sharing memory with ZeroMQ's thread.
constexpr std::size_t shared_frame_bytes = 16 * 1024;
/// A connection that dropped is not made again; this object ends before. Without an interval (-1)
/// libzmq (4.3.4) closes it itself, and ends the process if it does so amid a message.
constexpr int never_ms = 3'600'000;
constexpr auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
constexpr int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

/// A message over the frame's own memory, which lives as long as the message.
zmq::message_t sharing(const std::shared_ptr<const std::string>& frame) {
  auto* owner = new std::shared_ptr<const std::string>{frame};
  const auto let_go = [](void*, void* hint) {
    delete static_cast<std::shared_ptr<const std::string>*>(hint);
  };
  return {const_cast<char*>(frame->data()), frame->size(), let_go, owner};
}

}  // namespace

connection::connection(zmq::context_t& context, const named_endpoint& gateway, const login& as)
    : socket_{context, zmq::socket_type::dealer}, events_{context, zmq::socket_type::pair} {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::sndhwm, 0);
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::reconnect_ivl, never_ms);
  socket_.set(zmq::sockopt::connect_timeout, 2000);
  socket_.set(zmq::sockopt::handshake_ivl, 2000);
  if (gateway.key) {
    socket_.set(zmq::sockopt::curve_serverkey, gateway.key->text());
    socket_.set(zmq::sockopt::curve_publickey, as.keys.shown().text());
    socket_.set(zmq::sockopt::curve_secretkey, as.keys.secret());
  } else if (!as.user.empty()) {
    socket_.set(zmq::sockopt::plain_username, as.user);
    socket_.set(zmq::sockopt::plain_password, as.password);
  }
  const auto monitor = fmt::format("inproc://connection-{:016x}", random_id());
  zmq_socket_monitor(socket_.handle(), monitor.c_str(), watched);
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(monitor);
  failed_ = zmq_connect(socket_.handle(), gateway.endpoint.c_str()) != 0;
}

expected<named_endpoint> connection::check(const std::string& endpoint) {
  auto named = named_endpoint::parse(endpoint);
  if (!named) return named;
  // A socket that connects later than it ends.
  zmq::context_t context{1};
  zmq::socket_t probe{context, zmq::socket_type::dealer};
  probe.set(zmq::sockopt::linger, 0);
  if (zmq_connect(probe.handle(), named->endpoint.c_str()) == 0) return named;
  return fail(errc::invalid, "'" + endpoint + "': " + zmq_strerror(zmq_errno()) +
                                 ". An endpoint is tcp://host:port.");
}

void connection::send(const proto::request& header, const frame_list& frames) {
  header_.clear();
  proto::encode(header, header_);
  (void)socket_.send(zmq::message_t{}, more);
  (void)socket_.send(zmq::buffer(header_), frames.empty() ? zmq::send_flags::dontwait : more);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto flags = i + 1 < frames.size() ? more : zmq::send_flags::dontwait;
    if (frames[i]->size() < shared_frame_bytes)
      (void)socket_.send(zmq::buffer(*frames[i]), flags);
    else
      (void)socket_.send(sharing(frames[i]), flags);
  }
}

std::optional<answer_parts> connection::receive() {
  zmq::message_t part;
  answer_parts reply;
  if (!socket_.recv(part, zmq::recv_flags::dontwait)) return std::nullopt;
  for (int index = 1; part.more(); ++index) {
    (void)socket_.recv(part, zmq::recv_flags::none);
    if (index > 1) {
      reply.frames.push_back(part.to_string());
      continue;
    }
    if (auto header = proto::decode<proto::reply>(part.to_string_view(), 1 << 20))
      reply.header = std::move(*header);
  }
  return reply;
}

std::optional<connection::event> connection::next_event() {
  zmq::message_t what, endpoint;
  if (std::exchange(failed_, false)) return event::lost;
  if (!events_.recv(what, zmq::recv_flags::dontwait)) return std::nullopt;
  (void)events_.recv(endpoint, zmq::recv_flags::none);
  std::uint16_t number = 0;
  if (what.size() >= sizeof number) std::memcpy(&number, what.data(), sizeof number);
  if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return event::connected;
  return number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? event::refused : event::lost;
}

}  // namespace coppice::client
