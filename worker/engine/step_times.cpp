#include "worker/engine/step_times.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <filesystem>

namespace coppice::worker {

namespace {

constexpr int first_octave = 19;  // bit_width of 2^18
/// Entries looked at for one key.
constexpr std::size_t longest_search = 64;

std::size_t counter_of(std::uint64_t us) noexcept {
  const auto octave = std::min(static_cast<int>(std::bit_width(us)) - first_octave,
                               static_cast<int>(step_times::octaves) - 1);
  const auto step = (us >> (octave + first_octave - 6)) & (step_times::per_octave - 1);
  return static_cast<std::size_t>(octave) * step_times::per_octave + static_cast<std::size_t>(step);
}

/// Upper edge of a counter.
duration edge_of(std::size_t counter) noexcept {
  const auto octave = counter / step_times::per_octave, step = counter % step_times::per_octave;
  return std::chrono::microseconds{(step_times::per_octave + step + 1)
                                   << (octave + first_octave - 6)};
}

}  // namespace

void step_times::entry::record(duration took) noexcept {
  const auto us = to_us(took);
  auto longest = longest_us.load(std::memory_order_relaxed);
  while (us > longest && !longest_us.compare_exchange_weak(longest, us, std::memory_order_relaxed))
    ;
  if (std::bit_width(us) >= first_octave)
    slow[counter_of(us)].fetch_add(1, std::memory_order_relaxed);
  steps.fetch_add(1, std::memory_order_relaxed);
}

duration step_times::entry::longest() const noexcept {
  return std::chrono::microseconds{
      std::min<std::uint64_t>(longest_us.load(std::memory_order_relaxed), 1ull << 40)};
}

duration step_times::entry::percentile_99() const noexcept {
  const auto above = steps.load(std::memory_order_relaxed) / 100;
  std::uint64_t counted = 0;
  for (auto i = slow.size(); i-- > 0;) {
    counted += slow[i].load(std::memory_order_relaxed);
    if (counted > above) return std::min(edge_of(i), longest());
  }
  return duration{0};
}

step_times::entry* step_times::find(std::uint64_t key) noexcept {
  for (std::size_t i = 0; i < longest_search; ++i) {
    auto& at = entries[(key + i) % entries.size()];
    std::uint64_t found = 0;
    if (at.key.compare_exchange_strong(found, key, std::memory_order_relaxed) || found == key)
      return &at;
  }
  return nullptr;
}

std::uint64_t step_times_key(const model_spec& spec, std::string_view device) {
  std::error_code none;
  const auto written = std::filesystem::last_write_time(spec.file, none);
  const auto text = fmt::format("{}:{} {} {} {}", spec.name, spec.version,
                                none ? 0 : written.time_since_epoch().count(), spec.threads,
                                device.substr(0, device.find(':')));
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace coppice::worker
