#include "worker/engine/step_limits.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace coppice::worker {

namespace {

std::uint64_t class_of(step_size size) noexcept {
  return (std::uint64_t{static_cast<unsigned>(std::bit_width(size.rows))} << 8) |
         static_cast<unsigned>(std::bit_width(size.bytes));
}

/// Never 0.
std::uint64_t key_of(std::uint64_t model, std::uint64_t size) noexcept {
  const std::uint64_t both[] = {model, size};
  return XXH3_64bits(both, sizeof both) | 1;
}

}  // namespace

step_size size_of(std::span<const batch_item> items) noexcept {
  step_size size;
  std::uint64_t largest_row = 0;
  for (const auto& item : items) {
    std::uint64_t bytes = 0;
    for (const auto& input : item.inputs) bytes += input.bytes.size();
    largest_row = std::max(largest_row, bytes / std::max(item.rows, 1u));
    size.rows += item.rows;
  }
  size.bytes = largest_row * size.rows;
  return size;
}

step_times::entry* step_limits::times_of(step_size size) noexcept {
  if (known_ == nullptr) return nullptr;
  const auto sought = class_of(size);
  if (last_ < sizes_.size() && sizes_[last_].size == sought) return sizes_[last_].times;
  const auto met = std::ranges::find(sizes_, sought, &met_size::size);
  last_ = static_cast<std::size_t>(met - sizes_.begin());
  if (met != sizes_.end()) return met->times;
  if (sizes_.size() == max_sizes) return nullptr;
  sizes_.push_back({sought, known_->find(key_of(model_, sought))});
  return sizes_.back().times;
}

duration step_limits::limit(step_size size) noexcept {
  const auto* times = times_of(size);
  if (times == nullptr) return duration{0};
  const auto steps = times->steps.load(std::memory_order_relaxed);
  const auto longest = times->longest();
  if (steps < (longest < quick ? quick_trusted_after : trusted_after)) return duration{0};
  if (3 * longest <= floor) return floor;
  return std::max({floor, 3 * times->percentile_99(), longest + longest / 2});
}

void step_limits::record(step_size size, duration took) noexcept {
  if (auto* times = times_of(size)) times->record(took);
}

}  // namespace coppice::worker
