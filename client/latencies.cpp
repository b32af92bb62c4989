#include "client/latencies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace coppice::client {

namespace {

constexpr std::uint64_t sub_bits = 6;

/// Values below 64 have a bucket each; above, the six bits behind the leading one choose.
std::size_t bucket_of(std::uint64_t ns) {
  if (ns < 64) return static_cast<std::size_t>(ns);
  const auto shift = static_cast<std::uint64_t>(std::bit_width(ns)) - 1 - sub_bits;
  return static_cast<std::size_t>(((shift + 1) << sub_bits) + ((ns >> shift) & 63));
}

std::uint64_t upper_bound_of(std::size_t bucket) {
  if (bucket < 64) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  return ((((bucket & 63) | 64) + 1) << shift) - 1;
}

}  // namespace

void latencies::record(std::uint64_t ns) noexcept {
  ++buckets_[std::min(bucket_of(ns), buckets_.size() - 1)];
  ++count_;
  sum_ += ns;
  max_ = std::max(max_, ns);
}

double latencies::quantile_us(double q) const noexcept {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    if ((seen += buckets_[i]) >= std::max<std::uint64_t>(1, rank))
      return static_cast<double>(std::min(upper_bound_of(i), max_)) / 1e3;
  return max_us();
}

double latencies::mean_us() const noexcept {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1e3;
}

std::string latencies::draw(std::size_t width) const {
  std::array<std::uint64_t, 64> octaves{};
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    octaves[std::min<std::size_t>(63, std::bit_width(upper_bound_of(i)))] += buckets_[i];
  const auto most = *std::max_element(octaves.begin(), octaves.end());
  std::string out;
  for (std::size_t i = 0; i < octaves.size(); ++i) {
    if (octaves[i] == 0) continue;
    const auto bar = std::max<std::size_t>(1, octaves[i] * width / most);
    std::string blocks;
    for (std::size_t k = 0; k < bar; ++k) blocks += "█";
    out += fmt::format("  < {:>10.1f} us {:>9} {}\n", std::ldexp(1.0, static_cast<int>(i)) / 1e3,
                       octaves[i], blocks);
  }
  return out;
}

}  // namespace coppice::client
