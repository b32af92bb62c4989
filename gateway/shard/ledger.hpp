#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/shard/deadline_queue.hpp"
#include "gateway/shard/door.hpp"
#include "gateway/shard/outcome_store.hpp"
#include "gateway/shard/stream_state.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::gateway {

class route;
class tenant;

/// Where an open row is.
enum class row_state : std::uint8_t {
  /// Just opened, or between two of the others.
  idle,
  /// In its route's queue, for credit.
  waiting,
  /// Waits for its next attempt to be due.
  paused,
  /// Lost, and in line for a token of its model's retry budget.
  owing,
  /// Held back by the poison watch.
  held,
  /// Has a live attempt on an engine.
  sent,
  /// A stream whose engine is done, and whose client has not read all of it.
  delivering,
};

/// A second attempt beside a row's first: the first of the two to be answered wins.
struct second_attempt {
  attempt_id attempt;
  incarnation_id incarnation;
  /// The version that it runs.
  std::uint32_t sent_version = 0;
  steady_time sent;
};

/// What an engine said with the last of its answer; `by` is none before that.
struct engine_answer {
  incarnation_id by;
  steady_time at{};
  std::uint64_t batch_us = 0, compute_us = 0;
  /// Of the batch that it ran in, and why that left the engine's queue; 0: not known.
  std::uint32_t batch_rows = 0;
  std::string release;
};

/// One accepted request, from admission to its one outcome.
struct ledger_row {
  row_id id;
  client_request request;
  /// The model's waiting rows and credit; owned by the shard, outlives the row.
  route* on = nullptr;
  /// Who pays; owned by the shard's tenant book, which keeps it while the row is open.
  tenant* payer = nullptr;
  /// Rows of credit it needs.
  std::uint32_t cost = 1;
  steady_time arrived;
  steady_time deadline;
  /// When its last attempt went out.
  steady_time sent;
  /// The live attempt, and the incarnation it was sent to; none while the row waits.
  attempt_id attempt;
  incarnation_id incarnation;
  /// The version that the live attempt runs.
  std::uint32_t sent_version = 0;
  std::uint32_t attempts = 0;
  std::uint32_t refusals = 0;
  engine_answer answer;
  /// Where its last attempt failed: another engine is better. None: 0.
  incarnation_id avoid;
  row_state state = row_state::idle;
  /// paused, owing: until then.
  steady_time resume_at{};
  /// Its next or live attempt runs alone on its engine: a trial.
  bool alone = false;
  /// Entry of its key; `no_slot`: it has none.
  outcome_store::slot key = outcome_store::no_slot;
  /// Of its content; zero until somebody needs it.
  proto::fingerprint content;
  /// generate: what has been emitted.
  std::unique_ptr<stream_state> stream;
  /// A hedge; none unless `attempt` is live too.
  second_attempt hedge;

  /// One of its live attempts is there.
  [[nodiscard]] bool is_on(incarnation_id engine) const noexcept {
    return incarnation == engine || (hedge.attempt && hedge.incarnation == engine);
  }
};

/// How a request ended; each accepted one ends in exactly one of these.
enum class outcome { completed, failed, cancelled, expired };

/// Owns the open requests of one shard. A row is opened once and closed once; the closed row is
/// handed out by value, so nobody can answer it twice. Conservation: accepted = completed + failed
/// + cancelled + expired + open.
class ledger {
 public:
  struct totals {
    std::uint64_t accepted = 0;
    std::uint64_t ended[4] = {};
  };

  /// @param first_attempt  attempts are numbered from there. Workers name suspects by these numbers
  /// to every gateway: one that draws it blames none of its own rows for another's attempt.
  explicit ledger(std::uint32_t first_attempt = 0) noexcept : first_attempt_{first_attempt} {}

  /// The row lives until `close`; the reference is stable until then.
  ledger_row& open(client_request&& request, route& on, std::uint32_t cost, steady_time now);
  /// Null if the row is closed or never was.
  [[nodiscard]] ledger_row* find(row_id id) noexcept;
  /// The row of which this is a live attempt, on that incarnation; null for any other: the fence.
  [[nodiscard]] ledger_row* find(attempt_id attempt, incarnation_id incarnation) noexcept;
  /// A new attempt id for the row; the last one is fenced from now on.
  attempt_id begin_attempt(ledger_row& row, incarnation_id incarnation, steady_time now);
  /// A second live attempt beside the row's live one. A hedge that it has already is fenced.
  attempt_id begin_hedge(ledger_row& row, incarnation_id incarnation, std::uint32_t version,
                         steady_time now);
  /// Fences the row's attempt. Its hedge, if it has one, takes the place; else the row waits again.
  /// @returns whether an attempt is live still.
  bool end_attempt(ledger_row& row) noexcept;
  /// The same for one of its live attempts, by id. Any other id changes nothing.
  bool end_attempt(ledger_row& row, attempt_id which) noexcept;
  /// `winner`, a live attempt of the row, becomes its only one; the other is fenced.
  /// @returns the other, to be cancelled and its credit given back; without id if there was none.
  second_attempt keep_only(ledger_row& row, attempt_id winner) noexcept;
  /// `which`, a live attempt of the row, counts as its first from now on, the other as its second.
  void lead(ledger_row& row, attempt_id which) noexcept;
  /// Ends the row. @returns it, with everything needed to answer.
  ledger_row close(ledger_row& row, outcome how);

  /// Rows whose deadline has passed, the earliest first. Each is told once: close it.
  [[nodiscard]] std::vector<row_id> expired(steady_time now);
  /// Rows for which `predicate` holds. O(open rows): for rare events.
  [[nodiscard]] std::vector<row_id> select(
      const std::function<bool(const ledger_row&)>& predicate) const;

  [[nodiscard]] std::size_t open_rows() const noexcept { return open_; }
  [[nodiscard]] std::size_t open_bytes() const noexcept { return bytes_; }
  [[nodiscard]] const totals& counts() const noexcept { return totals_; }

 private:
  struct slot {
    std::optional<ledger_row> row;
    /// Grows with every row that lived here.
    std::uint32_t generation = 0;
    /// Grows with every attempt that was made here.
    std::uint32_t attempts = 0;
  };

  /// A deque: slots never move, so references to rows stay valid.
  std::deque<slot> slots_;
  std::uint32_t first_attempt_;
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
  std::size_t bytes_ = 0;
  deadline_queue deadlines_;
  totals totals_;
};

}  // namespace coppice::gateway
