#pragma once

#include "base/ids.hpp"
#include "gateway/shard/door.hpp"
#include "gateway/shard/engine_routes.hpp"

#include <zmq.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

/// The ROUTER by which a shard talks to all engines: one connection for each link. One thread.
///
/// libzmq (4.3.4, fq.cpp) loses its place if it closes a connection while something of any is left
/// to be read. A poll reads the first part of a message ahead: if that link is closed then, the
/// next receive ends the process. And the closed one leaves the queues a little later, which may be
/// amid another's message: reading then goes on with a third one's parts. So connections are closed
/// here alone, never by libzmq itself, and only when `receive` has just found nothing more.
class engine_socket {
 public:
  explicit engine_socket(zmq::context_t& context);

  /// For polls and monitors.
  [[nodiscard]] zmq::socket_t& socket() noexcept { return socket_; }
  /// Reads one whole message: routing id, header, frames. @returns false if none is there.
  bool receive(frame_list& message);
  /// Frames are shared, not copied. @returns false: that link is not open, or its connection gone.
  bool send(incarnation_id to, const std::string& header, const frame_list& frames);
  /// Connects, once. @param engine_key, link_key  as in `proto::grant`: with an engine's key the
  /// connection is encrypted. @returns false if a connection to that endpoint is still to be
  /// closed.
  /// @throws zmq::error_t, also for keys that are none
  bool open(incarnation_id incarnation, const std::string& endpoint,
            const std::string& engine_key = {}, const std::string& link_key = {});
  /// Nothing more is sent there; what the engine sent before is still received.
  void close(const std::string& endpoint);

 private:
  void use_keys(const std::string& engine_key, const std::string& link_key);
  [[nodiscard]] bool is_closing(const std::string& endpoint) const;
  void disconnect(const std::string& endpoint);

  zmq::socket_t socket_;
  engine_routes routes_;
  std::unordered_map<std::string, incarnation_id> open_;
  std::vector<std::string> closing_;
};

}  // namespace coppice::gateway
