#include "gateway/admission/overload_guard.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

constexpr duration shortest_target = 1s;
/// Rows that may always wait, however slow the model: clients keep hundreds in flight.
constexpr std::uint64_t patient_rows = 1024;

}  // namespace

duration overload_guard::target(const admission_limits& limits) const noexcept {
  if (limits.queue_target) return *limits.queue_target;
  return std::max(shortest_target, drained_.time_for(patient_rows));
}

admission_verdict overload_guard::judge(const admission_limits& limits, const arrival& asked,
                                        const waiting_rows& waiting, std::size_t admitted_bytes,
                                        steady_time now) {
  if (waiting.empty()) drained_.forget_old(now);
  auto& queue = queues_[index_of(asked.row.rank)];
  admission_state state;
  state.rank = asked.row.rank;
  state.waiting_rows = waiting.size();
  state.tenant_rows = waiting.rows_of(asked.row.tenant);
  state.lower_class_waits = waiting.newest_below(asked.row.rank) != nullptr;
  state.admitted_bytes = admitted_bytes;
  state.request_bytes = asked.bytes;
  state.wait = drained_.time_for(waiting.ahead_of(asked.row));
  state.service = service_.usual(now);
  state.time_left = asked.row.deadline - now;
  state.target = target(limits);
  state.stands = queue.stands();
  state.draw = asked.draw;
  auto verdict = admit(limits, state);
  if (verdict.refused && verdict.refused->reason == shed_reason::queue_age) queue.refused();
  return verdict;
}

void overload_guard::sent(const admission_limits& limits, priority rank, duration waited,
                          steady_time now) noexcept {
  queues_[index_of(rank)].left(waited, target(limits), now);
}

void overload_guard::answered(std::uint32_t rows, duration took, bool waited, bool backlogged,
                              steady_time now) noexcept {
  drained_.left(rows, took, backlogged, now);
  if (waited) service_.took(took, now);
}

bool overload_guard::too_late(const waiting_row& row, steady_time now) const noexcept {
  return row.deadline - now <= service_.usual(now);
}

bool overload_guard::too_old(const admission_limits& limits, const waiting_row& row,
                             steady_time now) const noexcept {
  return limits.queue_target && queues_[index_of(row.rank)].stands() &&
         now - row.since > *limits.queue_target + standing_queue::window;
}

}  // namespace coppice::gateway
