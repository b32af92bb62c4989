#pragma once

#include "base/ids.hpp"
#include "gateway/shard/door.hpp"
#include "gateway/shard/engine_routes.hpp"

#include <zmq.hpp>

#include <deque>
#include <string>

namespace coppice::gateway {

/// The ROUTER by which a shard talks to all engines: one connection for each link. One thread.
///
/// libzmq (4.3.4, fq.cpp) loses its place if it closes a connection while something of any is left
/// to be read. A poll reads the first part of a message ahead: if that link is closed then, the
/// next receive ends the process. And the closed one leaves the queues a little later, which may be
/// amid another's message: reading then goes on with a third one's parts. So links are closed here
/// alone, never by libzmq itself, and everything is read before.
class engine_socket {
 public:
  explicit engine_socket(zmq::context_t& context);

  /// For polls and monitors.
  [[nodiscard]] zmq::socket_t& socket() noexcept { return socket_; }
  /// Reads one whole message: routing id, header, frames. @returns false if none is there.
  bool receive(frame_list& message);
  /// Something is here that no poll tells of.
  [[nodiscard]] bool has_read_ahead() const noexcept { return !read_.empty(); }
  /// Frames are shared, not copied. @returns false: that link is not open, or its connection gone.
  bool send(incarnation_id to, const std::string& header, const frame_list& frames);
  /// Connects, once. @throws zmq::error_t
  void open(incarnation_id incarnation, const std::string& endpoint);
  /// To be told when a monitor says that this connection ended: it is not made again, and `send`
  /// fails from now on.
  void dropped(const std::string& endpoint);
  /// What the engine sent before is still received.
  void close(incarnation_id incarnation, const std::string& endpoint);

 private:
  void read_ahead();
  void disconnect(const std::string& endpoint);

  zmq::socket_t socket_;
  engine_routes routes_;
  std::deque<frame_list> read_;
};

}  // namespace coppice::gateway
