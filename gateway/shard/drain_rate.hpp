#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice::gateway {

/// Rows a second that leave a queue: an exponential average over windows of 100 ms.
class drain_rate {
 public:
  void left(std::uint32_t rows, steady_time now) noexcept;
  /// Expected time until `rows` rows have left; zero while nothing was measured.
  [[nodiscard]] duration time_for(std::uint64_t rows) const noexcept;

 private:
  static constexpr duration window = 100ms;
  /// Weight of the newest window.
  static constexpr double weight = 0.4;
  steady_time began_{};
  std::uint64_t count_ = 0;
  double per_second_ = 0;
};

}  // namespace coppice::gateway
