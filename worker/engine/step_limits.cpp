#include "worker/engine/step_limits.hpp"

#include <algorithm>
#include <bit>

namespace coppice::worker {

namespace {

/// Counters of slow steps: 32 for each doubling (3 %), from 2^18 us (0.26 s, below a third of the
/// floor) to 2^32 us (71 min).
constexpr int first_octave = 19;  // bit_width of 2^18
constexpr int octaves = 14;
constexpr std::uint64_t per_octave = 32;
constexpr std::size_t counters = octaves * per_octave;

std::uint64_t class_of(step_size size) noexcept {
  return (std::uint64_t{static_cast<unsigned>(std::bit_width(size.rows))} << 8) |
         static_cast<unsigned>(std::bit_width(size.bytes));
}

std::size_t counter_of(std::uint64_t us) noexcept {
  const auto octave = std::min(static_cast<int>(std::bit_width(us)) - first_octave, octaves - 1);
  const auto step = (us >> (octave + first_octave - 6)) & (per_octave - 1);
  return static_cast<std::size_t>(octave) * per_octave + static_cast<std::size_t>(step);
}

/// Upper edge of a counter.
duration edge_of(std::size_t counter) noexcept {
  const auto octave = counter / per_octave, step = counter % per_octave;
  return std::chrono::microseconds{(per_octave + step + 1) << (octave + first_octave - 6)};
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

std::size_t step_limits::find(std::uint64_t key) const noexcept {
  if (last_ < sizes_.size() && sizes_[last_].key == key) return last_;
  for (std::size_t i = 0; i < sizes_.size(); ++i)
    if (sizes_[i].key == key) return last_ = i;
  return sizes_.size();
}

duration step_limits::limit(step_size size) const noexcept {
  const auto at = find(class_of(size));
  if (at == sizes_.size() || sizes_[at].steps < trusted_after) return duration{0};
  const auto& known = sizes_[at];
  if (3 * known.longest <= floor) return floor;
  return std::max({floor, 3 * percentile_99(known), known.longest + known.longest / 2});
}

void step_limits::record(step_size size, duration took) {
  if (!steady_) return;
  const auto at = find(class_of(size));
  if (at == max_sizes) return;
  if (at == sizes_.size()) sizes_.emplace_back().key = class_of(size);
  auto& known = sizes_[at];
  ++known.steps;
  known.longest = std::max(known.longest, took);
  const auto us = to_us(took);
  if (std::bit_width(us) < first_octave) return;
  if (known.slow.empty()) known.slow.resize(counters);
  ++known.slow[counter_of(us)];
}

duration step_limits::percentile_99(const history& of) noexcept {
  // At most one step in a hundred is longer than the percentile.
  const auto above = of.steps / 100;
  std::uint64_t counted = 0;
  for (auto i = of.slow.size(); i-- > 0;) {
    counted += of.slow[i];
    if (counted > above) return std::min(edge_of(i), of.longest);
  }
  return duration{0};
}

}  // namespace coppice::worker
