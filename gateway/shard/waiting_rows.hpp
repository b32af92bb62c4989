#pragma once

#include "gateway/shard/fair_queue.hpp"

#include <array>
#include <cstdint>

namespace coppice::gateway {

/// Rows without credit, in the order they will be served: critical before normal before batch, but
/// a class with rows is passed over at most 16 times in a row, batch 15 times (so it gets every
/// 16th grant under a flood of the others); within a class tenants share by weight, within a tenant
/// the earliest deadline is first. Push, pop and remove take O(log rows + log tenants). One thread.
class waiting_rows {
 public:
  /// Grants to other classes after which a class with rows is next.
  static constexpr std::uint32_t patience = 15;

  void push(const waiting_row& row) { (void)queue(row.rank).push(row); }
  /// The next row; there must be one. Stays the next until a push, pop or remove.
  [[nodiscard]] const waiting_row& front() const { return queues_[next()].front(); }
  /// Takes out the next row as served.
  waiting_row pop();
  /// Takes out a row that ended unserved; nothing if it is not here.
  void remove(const waiting_row& row) { (void)queue(row.rank).remove(row); }

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept;
  /// Rows of credit they all need; a number past 32 bits is shown as the largest.
  [[nodiscard]] std::uint32_t cost() const noexcept;
  /// Rows of one tenant, of all classes. O(1).
  [[nodiscard]] std::size_t rows_of(tenant_id tenant) const noexcept;
  /// Cost that is served before `row` if it is pushed now: an estimate, in O(1).
  [[nodiscard]] std::uint64_t ahead_of(const waiting_row& row) const noexcept;
  /// The newest row of the lowest class below `rank`; null: there is none.
  [[nodiscard]] const waiting_row* newest_below(priority rank) const noexcept;
  /// Since when the oldest row of that class waits; `steady_time::max()`: there is none.
  [[nodiscard]] steady_time oldest(priority rank) const noexcept;
  /// Since when the oldest row waits; `steady_time::max()`: there is none.
  [[nodiscard]] steady_time oldest() const noexcept;

 private:
  [[nodiscard]] fair_queue& queue(priority rank) noexcept { return queues_[index_of(rank)]; }
  [[nodiscard]] std::size_t next() const noexcept;

  std::array<fair_queue, priorities.size()> queues_;
  /// Grants to other classes since a class with rows had one.
  std::array<std::uint32_t, priorities.size()> passed_over_{};
};

}  // namespace coppice::gateway
