#pragma once

#include "base/error.hpp"
#include "keys/zap_judge.hpp"

#include <zmq.hpp>

#include <memory>
#include <string_view>
#include <thread>

namespace coppice {

/// Answers libzmq's questions about who may connect (ZAP) for the sockets of one context, on a
/// thread of its own. Start it before a door is bound: a door that asks and is not answered takes
/// nobody. It ends with its object, which must not outlive the context.
class zap_handler {
 public:
  /// @param judge  outlives this.
  /// @error `unavailable` if the context has a handler already.
  static expected<std::unique_ptr<zap_handler>> start(zmq::context_t& context, zap_judge& judge);
  ~zap_handler();
  zap_handler(const zap_handler&) = delete;
  zap_handler& operator=(const zap_handler&) = delete;

  /// Makes a socket take only whom the handler lets in: by passwords (PLAIN, in clear), or, with
  /// the door's own keys, by theirs (CURVE). Call before `bind`. Throws zmq::error_t if libzmq
  /// cannot.
  static void guard(zmq::socket_t& door, const key_pair* keys);

 private:
  zap_handler(zmq::socket_t socket, zap_judge& judge);
  void run();
  void answer();

  zmq::socket_t socket_;
  zap_judge& judge_;
  int stop_;
  std::thread thread_;
};

/// By which name the handshake of a message's connection was answered; empty: by none. The view
/// lives as long as the message.
[[nodiscard]] inline std::string_view sender_of(const zmq::message_t& message) {
  const char* name = zmq_msg_gets(const_cast<zmq::message_t&>(message).handle(), "User-Id");
  return name == nullptr ? std::string_view{} : std::string_view{name};
}

}  // namespace coppice
