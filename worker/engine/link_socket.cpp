#include "worker/engine/link_socket.hpp"

#include "proto/limits.hpp"
#include "proto/messages/link.hpp"

namespace coppice::worker {

namespace {

/// Messages that may wait for one gateway; its credit keeps it far below.
constexpr int high_water = 100'000;
/// Outputs up to this size are copied into their frame; larger ones are sent where they lie.
constexpr std::size_t copied_bytes = 1024;

/// A frame over the tensor's bytes; keeps their owner until ZeroMQ has sent them.
zmq::message_t as_frame(const host_tensor& tensor) {
  if (tensor.bytes.size() <= copied_bytes) return {tensor.bytes.data(), tensor.bytes.size()};
  auto* owner = new std::shared_ptr<const void>(tensor.owner);
  const auto drop = [](void*, void* hint) {
    delete static_cast<std::shared_ptr<const void>*>(hint);
  };
  return {const_cast<std::byte*>(tensor.bytes.data()), tensor.bytes.size(), drop, owner};
}

shared_frame as_shared(std::shared_ptr<zmq::message_t> frame) {
  const auto* bytes = static_cast<const std::byte*>(frame->data());
  return {{bytes, frame->size()}, std::move(frame)};
}

zmq::send_flags flags(bool more) {
  return more ? zmq::send_flags::sndmore | zmq::send_flags::dontwait : zmq::send_flags::dontwait;
}

}  // namespace

void link_socket::guard(const link_keys& keys) {
  users_.shown = keys.users.shown();
  auto handler = zap_handler::start(context_, users_);
  if (!handler) throw zmq::error_t{};
  zap_ = std::move(*handler);
  zap_handler::guard(socket_, &keys.own);
}

expected<void> link_socket::bind(link_listener&& listener, incarnation_id incarnation,
                                 const std::optional<link_keys>& keys) try {
  socket_.set(zmq::sockopt::routing_id, proto::engine_routing_id(incarnation));
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::router_handover, true);
  socket_.set(zmq::sockopt::sndhwm, high_water);
  socket_.set(zmq::sockopt::rcvhwm, high_water);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::handshake_ivl, 2000);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(proto::max_frame_bytes));
  if (keys) guard(*keys);
  // ZeroMQ owns it from then on.
  socket_.set(zmq::sockopt::use_fd, listener.socket.get());
  socket_.bind(listener.endpoint);
  (void)listener.socket.release();
  return {};
} catch (const zmq::error_t& failure) {
  return fail(errc::unavailable,
              "The link cannot use " + listener.endpoint + ": " + failure.what() + ".");
}

bool link_socket::receive(link_message& out) {
  zmq::message_t sender;
  if (!socket_.recv(sender, zmq::recv_flags::dontwait)) return false;
  out.gateway.assign(static_cast<const char*>(sender.data()), sender.size());
  out.frames.clear();
  out.surplus = false;
  out.header.rebuild();
  bool more = sender.more();
  if (more) more = socket_.recv(out.header) && out.header.more();
  while (more) {
    auto frame = std::make_shared<zmq::message_t>();
    more = socket_.recv(*frame) && frame->more();
    if (out.frames.size() < proto::max_frames)
      out.frames.push_back(as_shared(std::move(frame)));
    else
      out.surplus = true;
  }
  return true;
}

link_socket::outcome link_socket::send(const std::string& gateway, std::string_view header,
                                       const item_outputs& outputs) try {
  if (!socket_.send(zmq::buffer(gateway), flags(true))) return outcome::full;
  (void)socket_.send(zmq::buffer(header), flags(!outputs.empty()));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto frame = as_frame(outputs[i]);
    (void)socket_.send(frame, flags(i + 1 < outputs.size()));
  }
  return outcome::sent;
} catch (const zmq::error_t&) {
  return outcome::gone;
}

bool link_socket::readable() { return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }

void link_socket::close(std::chrono::milliseconds linger) {
  socket_.set(zmq::sockopt::linger, static_cast<int>(linger.count()));
  socket_.close();
  zap_.reset();
  context_.close();
}

}  // namespace coppice::worker
