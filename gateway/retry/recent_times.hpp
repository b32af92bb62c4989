#pragma once

#include "base/clock.hpp"

#include <array>
#include <cstdint>

namespace coppice::gateway {

/// Distribution of the times seen lately: counts in buckets an eighth apart at most (1 us to an
/// hour), halved after every 4,096 times. Adding one is an increment, no allocation.
class recent_times {
 public:
  void add(duration took) noexcept;
  /// Upper bound of the bucket that the `share` quantile (0 to 1) falls into, at most an eighth
  /// too long; zero while fewer than `least` times are known. O(buckets).
  [[nodiscard]] duration quantile(double share) const noexcept;
  [[nodiscard]] std::uint32_t count() const noexcept { return total_; }

  static constexpr std::uint32_t least = 20;

 private:
  static constexpr std::uint32_t halve_at = 4096;
  /// 8 buckets an octave; 2^32 us are more than an hour.
  static constexpr std::size_t buckets = 8 * 32;
  static std::size_t bucket_of(std::uint64_t us) noexcept;
  static std::uint64_t upper_us(std::size_t bucket) noexcept;

  std::array<std::uint32_t, buckets> counts_{};
  std::uint32_t total_ = 0;
};

}  // namespace coppice::gateway
