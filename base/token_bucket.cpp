#include "base/token_bucket.hpp"

#include <algorithm>

namespace coppice {

// Levels reach from -8e18 to 8e18, so differences are taken unsigned: they fit 64 bits.

token_bucket::token_bucket(std::uint64_t capacity, std::uint64_t per_second,
                           steady_time now) noexcept
    : capacity_{static_cast<std::int64_t>(std::clamp<std::uint64_t>(capacity, 1, max_tokens)) *
                billion},
      level_{capacity_},
      per_second_{std::max<std::uint64_t>(per_second, 1)},
      at_{now} {}

std::int64_t token_bucket::level_at(steady_time now) const noexcept {
  if (now <= at_) return level_;
  // A token a second is a billionth of a token a nanosecond.
  const auto elapsed = static_cast<std::uint64_t>((now - at_) / 1ns);
  const auto missing = static_cast<std::uint64_t>(capacity_) - static_cast<std::uint64_t>(level_);
  if (elapsed > missing / per_second_) return capacity_;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(level_) + elapsed * per_second_);
}

bool token_bucket::take(std::uint64_t n, steady_time now) noexcept {
  if (time_until(n, now) > 0ns) return false;
  charge(n, now);
  return true;
}

void token_bucket::charge(std::uint64_t n, steady_time now) noexcept {
  constexpr auto deepest = -static_cast<std::int64_t>(max_tokens) * billion;
  const auto level = level_at(now);
  at_ = std::max(at_, now);
  const auto most = static_cast<std::uint64_t>(level) - static_cast<std::uint64_t>(deepest);
  level_ = n >= most / billion
               ? deepest
               : static_cast<std::int64_t>(static_cast<std::uint64_t>(level) - n * billion);
}

duration token_bucket::time_until(std::uint64_t n, steady_time now) const noexcept {
  if (n > capacity()) return duration::max();
  const auto level = level_at(now);
  const auto wanted = static_cast<std::int64_t>(n) * billion;
  if (level >= wanted) return duration{0};
  const auto missing = static_cast<std::uint64_t>(wanted) - static_cast<std::uint64_t>(level);
  const auto wait = missing / per_second_ + (missing % per_second_ == 0 ? 0 : 1);
  constexpr auto longest = static_cast<std::uint64_t>(duration::max().count());
  return std::chrono::nanoseconds{wait < longest ? wait : longest};
}

}  // namespace coppice
