#include "scheduler/placement/predicted_finish.hpp"

#include <algorithm>

namespace coppice::scheduler {

namespace {

constexpr std::uint64_t unmeasured_us = 1000;
const std::vector<proto::batch_cost> nothing_measured;

std::uint64_t between(const proto::batch_cost& low, const proto::batch_cost& high,
                      std::uint32_t rows) {
  const auto span = static_cast<std::int64_t>(high.rows - low.rows);
  const auto rise = static_cast<std::int64_t>(high.us) - static_cast<std::int64_t>(low.us);
  const auto us = static_cast<std::int64_t>(low.us) + rise * (rows - low.rows) / span;
  return static_cast<std::uint64_t>(us);
}

}  // namespace

std::uint64_t batch_us(const std::vector<proto::batch_cost>& costs, std::uint32_t rows) {
  if (costs.empty()) return unmeasured_us;
  const auto next = std::lower_bound(
      costs.begin(), costs.end(), rows,
      [](const proto::batch_cost& cost, std::uint32_t n) { return cost.rows < n; });
  if (next == costs.begin()) return next->us;
  if (next == costs.end()) return costs.back().us;
  return between(*std::prev(next), *next, rows);
}

std::uint64_t predicted_finish_us(const engine_load& load) {
  const auto& costs = load.costs != nullptr ? *load.costs : nothing_measured;
  const auto full_batches = load.held_rows / load.max_batch;
  const auto joins = load.held_rows % load.max_batch + 1;
  const auto turns_ahead = full_batches / load.instances;
  return turns_ahead * batch_us(costs, load.max_batch) + batch_us(costs, joins);
}

}  // namespace coppice::scheduler
