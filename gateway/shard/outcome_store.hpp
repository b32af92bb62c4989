#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "gateway/shard/door.hpp"
#include "gateway/shard/name_hash.hpp"
#include "gateway/shard/slot_index.hpp"
#include "proto/messages/fingerprint.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace coppice::gateway {

/// An outcome that can be given again. Frames share their memory with the reply that was sent.
struct kept_outcome {
  proto::reply header;
  frame_list frames;
  /// Who asks for it again must not be invited to ask a gateway that has not kept it.
  bool may_not_run_again = false;
};

/// Frames over the same memory; small ones are copied.
[[nodiscard]] frame_list share(const frame_list& frames);

/// The outcome as a reply to whoever asks now, with the id they gave.
[[nodiscard]] std::pair<proto::reply, frame_list> replay(const kept_outcome& kept,
                                                         const proto::raw_value& id);

/// Whether an outcome is the key's for good, so that it is kept and replayed. Kept: results, and
/// failures that the same content would meet again: `invalid`, `model_error`, `poison`. Not kept:
/// what may go better next time (`overloaded`, `unavailable`, `quota`, `worker_lost`, `not_found`,
/// `internal`, ...), what tells of the asker and not of the content (`deadline`, `cancelled`).
/// `may_not_run_again` (an at-most-once request with an attempt behind it): every outcome is kept.
/// @param code  none: a result.
[[nodiscard]] bool is_kept(std::optional<errc> code, bool may_not_run_again) noexcept;

struct outcome_limits {
  /// How long an outcome is kept, unless its request's deadline is later.
  duration keep = 60s;
  /// Bytes and entries of outcomes; beyond them the oldest go. Open keys do not count: there are
  /// as many as open rows.
  std::size_t max_bytes = 64u * 1024 * 1024;
  std::size_t max_entries = 100'000;
};

/// What a gateway knows of idempotency keys: open (a ledger row works on it) or done (its outcome
/// is kept for replay). One entry a key. A key that was evicted is unknown: it is just run again.
/// Every operation is O(1), amortised. Pure; one thread.
class outcome_store {
 public:
  /// Names an open entry from `open` to `done` or `forget`; kept in the ledger row.
  using slot = std::uint32_t;
  static constexpr slot no_slot = slot_index::none;

  enum class verdict {
    fresh,   ///< Unknown: admit it, then `open`.
    join,    ///< `row` works on it: the new asker becomes its address.
    replay,  ///< `outcome` is the answer.
    reused,  ///< The key stands for other content: `key_reused`.
  };
  struct found {
    verdict what = verdict::fresh;
    row_id row;
    /// Valid until the next call that is not const.
    const kept_outcome* outcome = nullptr;
  };

  explicit outcome_store(outcome_limits limits = {}) : limits_{limits} {}

  /// What is known of `key`, asked for with that content.
  [[nodiscard]] found begin(const name_hash& key, const proto::fingerprint& content,
                            steady_time now);
  /// The same for who cannot repeat the content: `resume`. Never `reused`.
  [[nodiscard]] found find(const name_hash& key, steady_time now);
  /// The row works on the key now, which must be unknown.
  /// @param session  number of the client's session (`sessions`), or `no_slot`.
  /// @param number   the client's id for it; ids of a session grow. Only with a session.
  [[nodiscard]] slot open(const name_hash& key, const proto::fingerprint& content, row_id row,
                          std::uint32_t session, std::uint64_t number);
  /// The row ended with an outcome that is kept.
  void done(slot at, kept_outcome&& outcome, steady_time deadline, steady_time now);
  /// The row ended with one that is not: the key is unknown again.
  void forget(slot at);

  /// The session has every outcome up to `number`: they go.
  void acknowledge(std::uint32_t session, std::uint64_t number);
  /// The session's number will be given to another one. Its outcomes stay for their time.
  void session_ended(std::uint32_t session);
  /// Drops outcomes that are past their time. Amortised O(1).
  void expire(steady_time now);

  [[nodiscard]] std::size_t outcomes() const noexcept { return done_; }
  [[nodiscard]] std::size_t open_keys() const noexcept { return index_.size() - done_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const outcome_limits& limits() const noexcept { return limits_; }
  /// For tests: whether lists, index and totals agree. O(entries).
  [[nodiscard]] bool is_consistent() const;

 private:
  struct link {
    slot before = no_slot, after = no_slot;
  };
  struct list {
    slot first = no_slot, last = no_slot;
  };
  struct entry {
    name_hash key;
    proto::fingerprint content;
    /// Of the open row; none: done, or the slot is free.
    row_id row;
    std::uint32_t session = no_slot;
    /// The client has it already: `done` does not keep it.
    bool acknowledged = false;
    std::uint64_t number = 0;
    link in_session, by_age;
    steady_time until;
    std::size_t bytes = 0;
    kept_outcome outcome;
  };

  [[nodiscard]] slot find_slot(const name_hash& key) const;
  void drop(slot at);
  void release(slot at);
  void append(list& to, link entry::*links, slot at);
  void unlink(list& from, link entry::*links, slot at);
  void leave_session(slot at);

  outcome_limits limits_;
  slot_index index_;
  /// A deque: entries never move. Free slots are taken last in, first out: those are warm.
  std::deque<entry> entries_;
  std::vector<slot> free_;
  /// Done entries, oldest first.
  list by_age_;
  /// Entries of each session, by its number, in the order they were opened.
  std::vector<list> sessions_;
  std::size_t done_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coppice::gateway
