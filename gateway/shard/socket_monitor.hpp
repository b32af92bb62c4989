#pragma once

#include <zmq.hpp>

#include <optional>
#include <string>

namespace coppice::gateway {

/// Tells of connections of one socket that closed, whoever closed them, and of those that never
/// came about because their handshake failed.
class socket_monitor {
 public:
  struct event {
    enum class kind { closed, refused };
    kind what = kind::closed;
    /// Endpoint that was connected to, or that accepted.
    std::string endpoint;
    /// closed: its descriptor in this process.
    int connection = -1;
  };

  /// `socket` must live as long. @param name  unique in the context.
  socket_monitor(zmq::context_t& context, zmq::socket_t& socket, const std::string& name);
  [[nodiscard]] void* handle() noexcept { return events_.handle(); }
  /// The next event, without waiting.
  [[nodiscard]] std::optional<event> next();

 private:
  zmq::socket_t events_;
};

}  // namespace coppice::gateway
