#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/shard/door.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace coppice::gateway {

class route;
class tenant;

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

  /// The row lives until `close`; the reference is stable until then.
  ledger_row& open(client_request&& request, route& on, std::uint32_t cost, steady_time now);
  /// Null if the row is closed or never was.
  [[nodiscard]] ledger_row* find(row_id id) noexcept;
  /// The row whose live attempt this is, on that incarnation; null for any other: the fence.
  [[nodiscard]] ledger_row* find(attempt_id attempt, incarnation_id incarnation) noexcept;
  /// A new attempt id for the row; the last one is fenced from now on.
  attempt_id begin_attempt(ledger_row& row, incarnation_id incarnation, steady_time now);
  /// Fences the live attempt: the row waits again.
  void end_attempt(ledger_row& row) noexcept;
  /// Ends the row. @returns it, with everything needed to answer.
  ledger_row close(ledger_row& row, outcome how);

  /// Rows whose deadline has passed. O(1) while none can have.
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
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
  std::size_t bytes_ = 0;
  /// No open row's deadline is earlier.
  steady_time earliest_ = steady_time::max();
  totals totals_;
};

}  // namespace coppice::gateway
