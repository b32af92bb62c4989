#include "gateway/shard/socket_monitor.hpp"

#include <cstring>

namespace coppice::gateway {

socket_monitor::socket_monitor(zmq::context_t& context, zmq::socket_t& socket,
                               const std::string& name)
    : events_{context, zmq::socket_type::pair} {
  const auto endpoint = "inproc://monitor-" + name;
  zmq_socket_monitor(socket.handle(), endpoint.c_str(), ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED);
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(endpoint);
}

std::optional<socket_monitor::closed> socket_monitor::next() {
  zmq::message_t event, address;
  if (!events_.recv(event, zmq::recv_flags::dontwait)) return std::nullopt;
  (void)events_.recv(address, zmq::recv_flags::none);
  std::uint32_t value = 0;
  if (event.size() >= 6) std::memcpy(&value, event.data<char>() + 2, sizeof value);
  return closed{address.to_string(), static_cast<int>(value)};
}

}  // namespace coppice::gateway
