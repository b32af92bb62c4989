#pragma once

#include <zmq.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace coppice::gateway {

struct outgoing_limits {
  /// Bytes of replies that may wait for all clients.
  std::size_t total = std::size_t{256} << 20;
  /// Bytes that may wait for one client.
  std::size_t per_client = std::size_t{64} << 20;
};

/// Bytes of replies that libzmq still holds because clients have not taken them: in total, and for
/// each client, which is a connection. A reply is counted from `hold` until libzmq lets go of its
/// last frame, which it does on any thread. Small replies are counted together, with the one that
/// makes them `counted_from` bytes: so many of a client's may be here uncounted.
///
/// A client has room for its share, which is never more than what is left of the total: so however
/// many clients do not read, as much as the last of them took is left for the others. `total()`
/// exceeds its limit by no more than twice `always` for each client, and one reply where nothing
/// else waits.
///
/// A failure may go beyond the share, by `always`: a client that reads, and is behind for a moment,
/// hears of it.
///
/// For the shard's thread, but `total` for any. It may end before the messages do.
class outgoing_bytes {
 public:
  static constexpr std::size_t counted_from = 16 * 1024;
  /// A client has room for so many bytes whatever the others hold.
  static constexpr std::size_t always = 64 * 1024;

  explicit outgoing_bytes(const outgoing_limits& limits) : limits_{limits} {}
  outgoing_bytes(const outgoing_bytes&) = delete;
  outgoing_bytes& operator=(const outgoing_bytes&) = delete;

  /// Counts a reply of `bytes` for the client until `last`, its last frame, is released.
  /// @param connection  descriptor of the client's connection; -1: unknown, one client for all.
  /// @returns that frame, to be sent in its place; the bytes are not copied.
  [[nodiscard]] zmq::message_t hold(int connection, zmq::message_t&& last, std::size_t bytes);
  /// Whether a reply of `bytes` may go to that client now. A client that nothing waits for may have
  /// one that is larger than its share.
  [[nodiscard]] bool has_room(int connection, std::size_t bytes) const noexcept;
  /// Whether a reply that tells of a failure may go to that client now.
  [[nodiscard]] bool has_room_for_failure(int connection, std::size_t bytes) const noexcept;
  /// What waits for the client has used up its share.
  [[nodiscard]] bool is_full(int connection) const noexcept { return !has_room(connection, 1); }
  /// The connection ended; its descriptor may become another client's. What waited for it is still
  /// in the total until libzmq lets go of it.
  void closed(int connection) noexcept;

  [[nodiscard]] std::size_t held_by(int connection) const noexcept;
  [[nodiscard]] std::size_t total() const noexcept { return total_->load(); }

 private:
  using account = std::atomic<std::size_t>;
  struct held_frame;
  struct client {
    /// Null until something large waited for it.
    std::shared_ptr<account> held;
    /// Of it, what went beyond the share; null until something did.
    std::shared_ptr<account> beyond;
    /// Of small replies, not counted yet.
    std::size_t gathered = 0;
  };

  static void let_go(void* bytes, void* frame);
  client& client_of(int connection);
  [[nodiscard]] const client* find(int connection) const noexcept;
  [[nodiscard]] zmq::message_t count(client& to, zmq::message_t&& last, std::size_t bytes,
                                     std::shared_ptr<account> beyond);

  outgoing_limits limits_;
  std::shared_ptr<account> total_ = std::make_shared<account>(0);
  /// By descriptor + 1: as many as this process may have.
  std::vector<client> clients_;
};

}  // namespace coppice::gateway
