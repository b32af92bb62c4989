#include "gateway/shard/waiting_rows.hpp"

#include <algorithm>
#include <limits>

namespace coppice::gateway {

std::size_t waiting_rows::next() const noexcept {
  std::size_t first = queues_.size();
  for (std::size_t i = queues_.size(); i-- > 0;) {
    if (queues_[i].empty()) continue;
    if (passed_over_[i] >= patience) return i;
    first = i;
  }
  return first;
}

waiting_row waiting_rows::pop() {
  const auto served = next();
  for (std::size_t i = 0; i < queues_.size(); ++i)
    passed_over_[i] = i == served || queues_[i].empty() ? 0 : passed_over_[i] + 1;
  return queues_[served].pop();
}

std::size_t waiting_rows::size() const noexcept {
  return queues_[0].size() + queues_[1].size() + queues_[2].size();
}

std::uint32_t waiting_rows::cost() const noexcept {
  const auto all = queues_[0].cost() + queues_[1].cost() + queues_[2].cost();
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(all, std::numeric_limits<std::uint32_t>::max()));
}

std::size_t waiting_rows::rows_of(tenant_id tenant) const noexcept {
  std::size_t rows = 0;
  for (const auto& each : queues_) rows += each.rows_of(tenant);
  return rows;
}

std::uint64_t waiting_rows::ahead_of(const waiting_row& row) const noexcept {
  const auto rank = index_of(row.rank);
  const auto own = queues_[rank].ahead_of(row);
  std::uint64_t higher = 0;
  for (std::size_t i = 0; i < rank; ++i) higher += queues_[i].cost();
  // However much is above it, every 16th grant is its own.
  return own + std::min(higher, patience * (own + row.cost));
}

const waiting_row* waiting_rows::newest_below(priority rank) const noexcept {
  for (std::size_t i = queues_.size(); --i > index_of(rank);)
    if (const auto* newest = queues_[i].newest()) return newest;
  return nullptr;
}

steady_time waiting_rows::oldest(priority rank) const noexcept {
  const auto* oldest = queues_[index_of(rank)].oldest();
  return oldest == nullptr ? steady_time::max() : oldest->since;
}

steady_time waiting_rows::oldest() const noexcept {
  auto since = steady_time::max();
  for (const auto rank : priorities) since = std::min(since, oldest(rank));
  return since;
}

}  // namespace coppice::gateway
