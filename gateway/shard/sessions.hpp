#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/shard/client_address.hpp"
#include "gateway/shard/name_hash.hpp"
#include "gateway/shard/row_lists.hpp"
#include "gateway/shard/slot_index.hpp"

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::gateway {

struct session_limits {
  /// How long the rows of a session that lost its connection wait for it to come back.
  duration grace = 3s;
  /// The same for streams.
  duration stream_grace = 60s;
  /// Sessions of one connection; a further one is served as if it had named none.
  std::uint32_t per_connection = 16;
  /// Clients (sessions, and connections without one) that are told apart; rows of further ones
  /// have no owner and end by their deadline.
  std::uint32_t clients = 200'000;
};

/// Who asks: which rows belong to whom, and where their replies go. A client is a session, bound to
/// the connection of its latest message, or a connection that named no session. A session is used
/// by one connection at a time. When a connection closes, the rows of a client without a session
/// are the caller's to cancel at once; those of a session wait for `grace`, and go on as if nothing
/// had happened when a message of the session comes over another connection. Finding a client and
/// adding or removing a row are O(1). Pure; one thread.
class sessions {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  sessions(session_limits limits, std::uint64_t seed) : limits_{limits}, hash_{seed} {}

  /// A message of a client: finds it or makes it known, and binds a session to where it came from.
  /// A late message over the connection that a session left does not bind it back.
  /// @param session  empty: the client is the connection.
  /// @returns the client's number, valid until it ends; `none` if there are too many.
  std::uint32_t heard(std::string_view tenant, std::string_view session,
                      const client_address& from);
  /// Whether that client is a session: only then are its outcomes the business of `acked`.
  [[nodiscard]] bool is_session(std::uint32_t client) const noexcept;

  /// A row of that client opened (`none`: nobody's) or ended.
  void opened(std::uint32_t client, row_id row, bool stream);
  void closed(row_id row);
  /// Sets routing id and connection of a row's address to where its session is now.
  void readdress(row_id row, client_address& to) const;

  /// Rows that a `cancel` from there may mean: of the connection and of the session.
  [[nodiscard]] std::vector<row_id> rows_of(std::string_view tenant, std::string_view session,
                                            const client_address& from) const;
  /// The connection closed. @returns rows to cancel now.
  [[nodiscard]] std::vector<row_id> disconnected(int closed, steady_time now);
  /// Rows whose session did not come back in time: to cancel now.
  [[nodiscard]] std::vector<row_id> given_up(steady_time now);
  /// Numbers of sessions that ended since the last call; they may be given to others.
  [[nodiscard]] std::vector<std::uint32_t> take_ended();

  /// Clients known now.
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

 private:
  struct client {
    name_hash name;
    bool session = false;
    bool known = false;
    /// Grows with every client that had this number.
    std::uint32_t generation = 0;
    std::string routing_id;
    /// Routing id that the session left last.
    std::string left;
    int connection = -1;
    /// Neighbours on the same connection.
    std::uint32_t before = none, after = none;
    row_lists::list rows;
    /// When its connection closed; `steady_time::max()`: it stands.
    steady_time gone = steady_time::max();
    /// In `waiting_`.
    bool waits = false;
  };
  struct connection {
    std::uint32_t first = none;
    std::uint32_t sessions = 0;
  };
  /// A session without a connection, and when to look at it again.
  struct look {
    steady_time at;
    std::uint32_t client;
    std::uint32_t generation;
    friend bool operator>(const look& a, const look& b) noexcept { return a.at > b.at; }
  };

  [[nodiscard]] name_hash name_of(std::string_view tenant, std::string_view session,
                                  const client_address& from) const;
  [[nodiscard]] std::uint32_t find(const name_hash& name) const;
  std::uint32_t make(const name_hash& name, bool session, const client_address& from);
  void bind(std::uint32_t number, const client_address& to);
  void unbind(std::uint32_t number);
  void end(std::uint32_t number);
  void wait(std::uint32_t number, steady_time until);
  void look_at(std::uint32_t number, steady_time now, std::vector<row_id>& out);
  [[nodiscard]] bool has_room(int connection) const;

  session_limits limits_;
  name_hasher hash_;
  slot_index index_;
  std::vector<client> clients_;
  std::vector<std::uint32_t> free_;
  /// By descriptor, which is a small number.
  std::vector<connection> connections_;
  row_lists rows_;
  std::priority_queue<look, std::vector<look>, std::greater<>> waiting_;
  std::vector<std::uint32_t> ended_;
};

}  // namespace coppice::gateway
