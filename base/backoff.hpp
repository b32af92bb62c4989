#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace coppice {

/// Exponential back-off with jitter. `delay(streak, draw)` is pure: the draw comes from outside.
struct backoff {
  /// First delay, before jitter.
  duration base = 200ms;
  /// Largest delay, before jitter.
  duration cap = 30s;
  /// Share of the delay that is random, 0 to 1.
  double jitter = 0.2;

  /// @param streak  failures in a row so far, from 1.
  /// @param draw    uniform in [0, 1).
  [[nodiscard]] duration delay(std::uint32_t streak, double draw) const noexcept {
    const auto doublings = std::min<std::uint32_t>(streak == 0 ? 0 : streak - 1, 20);
    const auto whole = std::min<duration>(cap, base * (1u << doublings));
    const auto factor = 1.0 - jitter * draw;
    return duration{static_cast<duration::rep>(static_cast<double>(whole.count()) * factor)};
  }
};

}  // namespace coppice
