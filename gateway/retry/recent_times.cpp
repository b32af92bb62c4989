#include "gateway/retry/recent_times.hpp"

#include <algorithm>
#include <bit>

namespace coppice::gateway {

namespace {

constexpr unsigned sub_bits = 3;  // 8 buckets an octave
constexpr std::uint64_t sub_count = 1u << sub_bits;

}  // namespace

/// Below 8 us a bucket a microsecond; above, the three bits behind the leading one.
std::size_t recent_times::bucket_of(std::uint64_t us) noexcept {
  if (us < sub_count) return static_cast<std::size_t>(us);
  const auto octave = static_cast<unsigned>(std::bit_width(us)) - 1 - sub_bits;
  const auto bucket = (octave + 1) * sub_count + ((us >> octave) - sub_count);
  return static_cast<std::size_t>(std::min<std::uint64_t>(bucket, buckets - 1));
}

std::uint64_t recent_times::upper_us(std::size_t bucket) noexcept {
  if (bucket < sub_count) return bucket + 1;
  const auto octave = bucket / sub_count - 1;
  return (sub_count + bucket % sub_count + 1) << octave;
}

void recent_times::add(duration took) noexcept {
  ++counts_[bucket_of(to_us(took))];
  if (++total_ < halve_at) return;
  total_ = 0;
  for (auto& count : counts_) total_ += count /= 2;
}

duration recent_times::quantile(double share) const noexcept {
  if (total_ < least) return duration{0};
  const auto rank = static_cast<std::uint32_t>(share * static_cast<double>(total_ - 1));
  std::uint32_t below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    below += counts_[i];
    if (below > rank) return std::chrono::microseconds{upper_us(i)};
  }
  return std::chrono::microseconds{upper_us(buckets - 1)};
}

}  // namespace coppice::gateway
