#pragma once

#include <chrono>
#include <cstdint>

namespace coppice {

/// Monotonic time. Decision classes receive it as an argument; only shells call `now()`.
using steady_time = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

using namespace std::chrono_literals;  // NOLINT: durations are part of the vocabulary

[[nodiscard]] inline steady_time now() noexcept { return std::chrono::steady_clock::now(); }

/// Whole microseconds of `d`, never negative.
[[nodiscard]] constexpr std::uint64_t to_us(duration d) noexcept {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return us < 0 ? 0 : static_cast<std::uint64_t>(us);
}

}  // namespace coppice
