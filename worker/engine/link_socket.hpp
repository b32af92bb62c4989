#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "keys/zap_handler.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/engine/link_listener.hpp"
#include "worker/model/model.hpp"

#include <zmq.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::worker {

/// One message of a gateway.
struct link_message {
  /// Routing id of the gateway shard.
  std::string gateway;
  zmq::message_t header;
  shared_frames frames;
  /// More frames came than a request may have; the surplus is not kept.
  bool surplus = false;
};

/// Keys of an encrypted link: the engine's own, and those of whoever may use it.
struct link_keys {
  key_pair own, users;
};

/// The engine's ROUTER: whole messages in and out. One thread.
class link_socket {
 public:
  /// Takes over what listens. @param keys  only who has those of users gets in, and all is
  /// encrypted; nothing: anybody, in clear. @error `unavailable` with the reason.
  expected<void> bind(link_listener&& listener, incarnation_id incarnation,
                      const std::optional<link_keys>& keys);

  /// Takes the next message, if one is there.
  [[nodiscard]] bool receive(link_message& out);

  /// `full`: the gateway does not read and its queue is at its limit; the message is dropped.
  /// `gone`: there is no such gateway any more.
  enum class outcome { sent, full, gone };
  outcome send(const std::string& gateway, std::string_view header, const item_outputs& outputs);

  /// Whether `receive` would give something. Ask before every wait on `fd`, which only signals
  /// changes.
  [[nodiscard]] bool readable();
  [[nodiscard]] int fd() const { return fd_; }
  /// Waits at most `linger` until what was sent has left.
  void close(std::chrono::milliseconds linger);

 private:
  /// Lets in whoever shows that key.
  struct users_key : zap_judge {
    public_key shown;
    std::optional<std::string> by_password(std::string_view, std::string_view) override {
      return std::nullopt;
    }
    std::optional<std::string> by_key(const public_key& key) override {
      return key == shown ? std::optional<std::string>{"gateway"} : std::nullopt;
    }
  };
  void guard(const link_keys& keys);

  zmq::context_t context_{1};
  users_key users_;
  std::unique_ptr<zap_handler> zap_;
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  int fd_ = socket_.get(zmq::sockopt::fd);
};

}  // namespace coppice::worker
