#include "gateway/shard/socket_monitor.hpp"

#include <cstring>

namespace coppice::gateway {

namespace {

constexpr int closed_events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED;
constexpr int refused_events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

socket_monitor::socket_monitor(zmq::context_t& context, zmq::socket_t& socket,
                               const std::string& name)
    : events_{context, zmq::socket_type::pair} {
  const auto endpoint = "inproc://monitor-" + name;
  zmq_socket_monitor(socket.handle(), endpoint.c_str(), closed_events | refused_events);
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(endpoint);
}

std::optional<socket_monitor::event> socket_monitor::next() {
  zmq::message_t head, address;
  if (!events_.recv(head, zmq::recv_flags::dontwait)) return std::nullopt;
  (void)events_.recv(address, zmq::recv_flags::none);
  // zmq_socket_monitor(3): 16 bits of event, 32 bits of value.
  std::uint16_t number = 0;
  std::uint32_t value = 0;
  if (head.size() < sizeof number + sizeof value) return event{};
  std::memcpy(&number, head.data<char>(), sizeof number);
  std::memcpy(&value, head.data<char>() + sizeof number, sizeof value);
  if ((number & refused_events) != 0) return event{event::kind::refused, address.to_string(), -1};
  return event{event::kind::closed, address.to_string(), static_cast<int>(value)};
}

}  // namespace coppice::gateway
