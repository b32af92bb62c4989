#include "worker/engine/batch_times.hpp"

#include <bit>

namespace coppice::worker {

void batch_times::record(std::uint32_t rows, duration took) {
  const auto us = std::chrono::duration<double, std::micro>(took).count();
  const auto [entry, fresh] = mean_us_.try_emplace(std::bit_ceil(rows), us);
  if (!fresh) entry->second += weight * (us - entry->second);
}

duration batch_times::expect(std::uint32_t rows) const {
  if (mean_us_.empty()) return duration{0};
  auto entry = mean_us_.lower_bound(rows);
  if (entry == mean_us_.end()) --entry;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double, std::micro>(entry->second));
}

std::vector<proto::batch_cost> batch_times::table() const {
  std::vector<proto::batch_cost> costs;
  for (const auto& [rows, us] : mean_us_) costs.push_back({rows, static_cast<std::uint64_t>(us)});
  return costs;
}

}  // namespace coppice::worker
