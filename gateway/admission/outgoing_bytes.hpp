#pragma once

#include <zmq.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coppice::gateway {

/// Bytes of replies that libzmq still holds because clients have not taken them: in total, and for
/// each client. A reply of `counted_from` bytes and more is counted from `hold` until libzmq lets
/// go of its last frame, which it does on any thread. Smaller ones are bounded by their number: the
/// high-water mark of a client's pipe (ZMQ_SNDHWM) times `counted_from`.
///
/// `hold`, `has_room` and `held_by` are for the shard's thread, `total` for any. It may end before
/// the messages do.
class outgoing_bytes {
 public:
  static constexpr std::size_t counted_from = 16 * 1024;

  /// @param per_client  bytes that may be held for one client; one reply may always be.
  explicit outgoing_bytes(std::size_t per_client) : per_client_{per_client} {}
  outgoing_bytes(const outgoing_bytes&) = delete;
  outgoing_bytes& operator=(const outgoing_bytes&) = delete;

  /// Counts a reply of `bytes` for the client until `last`, its last frame, is released.
  /// @returns that frame, to be sent in its place; the bytes are not copied.
  [[nodiscard]] zmq::message_t hold(std::string_view client, zmq::message_t&& last,
                                    std::size_t bytes);
  /// Whether a reply of `bytes` may go to that client now. With 0 bytes: whether it may ask for
  /// more.
  [[nodiscard]] bool has_room(std::string_view client, std::size_t bytes) const;
  [[nodiscard]] std::size_t held_by(std::string_view client) const;
  [[nodiscard]] std::size_t total() const noexcept { return total_->load(); }
  /// Clients with an account; at most twice those that have bytes here, or 1,024.
  [[nodiscard]] std::size_t clients() const noexcept { return accounts_.size(); }

 private:
  using account = std::atomic<std::size_t>;
  struct held_frame;
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };

  static void let_go(void* bytes, void* frame);
  std::shared_ptr<account> account_of(std::string_view client);

  std::size_t per_client_;
  std::shared_ptr<account> total_ = std::make_shared<account>(0);
  std::unordered_map<std::string, std::shared_ptr<account>, name_hash, std::equal_to<>> accounts_;
  /// Accounts without bytes are dropped when there are this many.
  std::size_t sweep_at_ = 1024;
};

}  // namespace coppice::gateway
