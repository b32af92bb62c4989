#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice {

/// Tokens that refill at a steady rate up to a capacity. Counted in whole billionths of a token, so
/// nothing is gained or lost by rounding over any time. Time that goes back counts as no time.
/// Invariant: the level is at most the capacity; it falls below zero only by `charge`.
class token_bucket {
 public:
  /// Largest capacity and largest debt, tokens.
  static constexpr std::uint64_t max_tokens = 8'000'000'000;

  /// Full at `now`. @param capacity  1 to `max_tokens`. @param per_second  at least 1. What is
  /// outside is taken as the nearest that is not.
  token_bucket(std::uint64_t capacity, std::uint64_t per_second, steady_time now) noexcept;

  /// Takes `n` tokens if they are there. @returns whether they were.
  bool take(std::uint64_t n, steady_time now) noexcept;
  /// Takes `n` tokens whether they are there or not: what is missing is a debt, up to `max_tokens`.
  void charge(std::uint64_t n, steady_time now) noexcept;
  /// Time until `take(n)` would succeed, if nobody takes before; `duration::max()`: never.
  [[nodiscard]] duration time_until(std::uint64_t n, steady_time now) const noexcept;
  /// Whether it is as good as new.
  [[nodiscard]] bool full(steady_time now) const noexcept { return level_at(now) == capacity_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return static_cast<std::uint64_t>(capacity_ / billion);
  }

 private:
  static constexpr std::int64_t billion = 1'000'000'000;
  [[nodiscard]] std::int64_t level_at(steady_time now) const noexcept;

  /// Billionths of a token.
  std::int64_t capacity_;
  std::int64_t level_;
  std::uint64_t per_second_;
  /// When the level was `level_`.
  steady_time at_;
};

}  // namespace coppice
