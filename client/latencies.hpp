#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace coppice::client {

/// Latencies of a run: a histogram with 64 buckets for each power of two of nanoseconds (error at
/// most 1.6 %), so that a run of any length takes the same memory.
class latencies {
 public:
  void record(std::uint64_t ns) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Upper bound of the bucket that holds the q-quantile, 0 to 1, in microseconds; 0 if empty.
  [[nodiscard]] double quantile_us(double q) const noexcept;
  [[nodiscard]] double mean_us() const noexcept;
  [[nodiscard]] double max_us() const noexcept { return static_cast<double>(max_) / 1e3; }
  /// One bar a line, a line for each doubling; `width` is the longest bar.
  [[nodiscard]] std::string draw(std::size_t width) const;

 private:
  static constexpr std::size_t sub = 64;
  std::array<std::uint64_t, 59 * sub> buckets_{};
  std::uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace coppice::client
