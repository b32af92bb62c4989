#pragma once

#include <zmq.hpp>

#include <optional>
#include <string>

namespace coppice::gateway {

/// Tells of connections of one socket that closed.
class socket_monitor {
 public:
  struct closed {
    /// Endpoint that was connected to, or that accepted.
    std::string endpoint;
    /// Its descriptor in this process.
    int connection = -1;
  };

  /// `socket` must live as long. @param name  unique in the context.
  socket_monitor(zmq::context_t& context, zmq::socket_t& socket, const std::string& name);
  [[nodiscard]] void* handle() noexcept { return events_.handle(); }
  /// The next closed connection, without waiting.
  [[nodiscard]] std::optional<closed> next();

 private:
  zmq::socket_t events_;
};

}  // namespace coppice::gateway
