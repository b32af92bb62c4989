#pragma once

#include "gateway/shard/ledger.hpp"
#include "gateway/shard/outcome_store.hpp"
#include "gateway/shard/sessions.hpp"
#include "gateway/shard/shard_counts.hpp"
#include "gateway/shard/shard_effects.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace coppice::gateway {

/// Who asks, and what they are told: sessions, idempotency keys, outcomes. A request whose key is
/// known joins the row that works on it, or gets the outcome that is kept; so a client may send
/// again whatever it is not sure of. Pure but for the replies, which are `effects`. One thread.
class clients {
 public:
  struct options {
    session_limits sessions;
    outcome_limits outcomes;
    /// Secret of the hashes.
    std::uint64_t seed = 1;
  };

  /// `effects` and `counts`, which may be null, outlive this.
  clients(const options& chosen, shard_effects& effects, shard_counts* counts)
      : sessions_{chosen.sessions, chosen.seed},
        outcomes_{chosen.outcomes},
        hash_{chosen.seed},
        effects_{effects},
        counts_{counts} {}

  /// A message came: binds its session to where it came from, lets go of outcomes that it has.
  /// @returns the client's number, for `opened`.
  std::uint32_t heard(const client_request& request);

  /// What is known of a request's key.
  struct inquiry {
    outcome_store::found found;
    name_hash key;
    proto::fingerprint content;
  };
  /// Looks up an `infer` or `generate` before it is admitted: `fresh`, if it has no key. A kept
  /// outcome is sent again here; `join` leaves the row for `joined`, `reused` the refusal to the
  /// caller.
  inquiry look_up(const client_request& request, steady_time now);
  /// What is known of the key of a `resume`; `fresh`, if it has none.
  [[nodiscard]] outcome_store::found find(const client_request& request, steady_time now);
  /// A kept outcome for who asks for it now.
  void send_again(const client_request& request, const kept_outcome& kept);
  /// The asker takes the place of the row's: the outcome goes where it asked from.
  void joined(ledger_row& row, const client_request& by, std::uint32_t client);

  /// The row belongs to that client from now on, and its key, if it has one, is open.
  /// @param asked  what `look_up` gave for it.
  void opened(ledger_row& row, std::uint32_t client, const inquiry& asked);
  /// Sends the one outcome of a closed row, and keeps it if it is the key's for good.
  /// `frames` may be moved from. @param whole  what is kept instead, of a stream.
  void answer(ledger_row& closed, proto::reply&& outcome, frame_list&& frames, steady_time now,
              std::optional<kept_outcome> whole = std::nullopt);
  /// Where a part of the row's answer goes now.
  [[nodiscard]] const client_address& address_of(ledger_row& row) const;

  /// Sends a final reply. To a client that has no room for it an error goes instead: `overloaded`,
  /// which invites it to ask again; or, if that would run again what must not, `unknown_outcome`.
  void send(const client_address& to, const proto::reply& reply, frame_list&& frames,
            bool may_ask_again = true);
  /// A refusal of what never became a row.
  void refuse(const client_address& to, const proto::raw_value& id, const error& why);
  /// The answer to an operation that is no request.
  void answer_at_once(const client_request& request, proto::reply&& reply);

  /// Rows that a `cancel` may mean.
  [[nodiscard]] std::vector<row_id> rows_of(const client_request& request) const;
  /// The connection closed. @returns rows to cancel now.
  [[nodiscard]] std::vector<row_id> disconnected(int connection, steady_time now) {
    return sessions_.disconnected(connection, now);
  }
  /// Time passed. @returns rows whose client did not come back: to cancel now.
  [[nodiscard]] std::vector<row_id> tick(steady_time now);

  [[nodiscard]] const outcome_store& outcomes() const noexcept { return outcomes_; }
  [[nodiscard]] std::size_t known() const noexcept { return sessions_.size(); }

 private:
  sessions sessions_;
  outcome_store outcomes_;
  name_hasher hash_;
  shard_effects& effects_;
  shard_counts* counts_;
};

/// The failure as a reply carries it.
/// What a client is told while too much waits for it: its request is refused, or its result
/// dropped.
[[nodiscard]] error not_read();
[[nodiscard]] proto::error_body as_body(const error& why);

}  // namespace coppice::gateway
