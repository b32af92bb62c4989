#pragma once

#include "base/error.hpp"
#include "client/session.hpp"
#include "keys/key_pair.hpp"

#include <zmq.hpp>

#include <optional>
#include <string>

namespace coppice::client {

/// How a client says who it is.
struct login {
  std::string user, password;
  /// To gateways whose key is known.
  key_pair keys;
};

/// One connection to one gateway: a DEALER that does not reconnect, and its monitor. One thread.
class connection {
 public:
  enum class event { connected, lost, refused };

  /// Whether ZeroMQ takes the endpoint. Dials nothing. @error `invalid` with the reason.
  [[nodiscard]] static expected<named_endpoint> check(const std::string& endpoint);

  /// Dials; an endpoint that cannot be dialled is lost at once. `context` outlives it.
  connection(zmq::context_t& context, const named_endpoint& gateway, const login& as);

  void send(const proto::request& header, const frame_list& frames);
  /// The next message, without waiting.
  [[nodiscard]] std::optional<answer_parts> receive();
  /// The next change, without waiting.
  [[nodiscard]] std::optional<event> next_event();
  [[nodiscard]] void* socket() noexcept { return socket_.handle(); }
  [[nodiscard]] void* events() noexcept { return events_.handle(); }

 private:
  zmq::socket_t socket_;
  zmq::socket_t events_;
  bool failed_ = false;
  std::string header_;  // reused
};

}  // namespace coppice::client
