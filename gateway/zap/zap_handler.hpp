#pragma once

#include "base/error.hpp"
#include "gateway/admission/tenant_limits.hpp"
#include "gateway/zap/users.hpp"

#include <zmq.hpp>

#include <memory>
#include <string_view>
#include <thread>

namespace coppice::gateway {

/// Answers libzmq's questions about who may connect (ZAP) for the sockets of one context, on a
/// thread of its own. Start it before a door is bound: a door that asks and is not answered takes
/// nobody. It ends with its object, which must not outlive the context.
class zap_handler {
 public:
  /// @error `unavailable` if the context has a handler already.
  static expected<std::unique_ptr<zap_handler>> start(zmq::context_t& context, user_table users);
  ~zap_handler();
  zap_handler(const zap_handler&) = delete;
  zap_handler& operator=(const zap_handler&) = delete;

  /// Makes a socket take only users with their password (PLAIN, in clear). Call before `bind`.
  /// Throws zmq::error_t if libzmq cannot.
  static void guard(zmq::socket_t& door);

 private:
  zap_handler(zmq::socket_t socket, user_table users);
  void run();
  void answer();

  zmq::socket_t socket_;
  user_table users_;
  int stop_;
  std::thread thread_;
};

/// The tenant of a message that a door received: by its sender's password if the door asks for
/// one, else `anonymous`. The view lives as long as the message.
[[nodiscard]] inline std::string_view tenant_of(zmq::message_t& message, bool door_is_guarded) {
  if (!door_is_guarded) return anonymous;
  const char* tenant = zmq_msg_gets(message.handle(), "User-Id");
  return tenant == nullptr ? anonymous : std::string_view{tenant};
}

}  // namespace coppice::gateway
