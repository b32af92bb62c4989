#include "gateway/shard/drain_rate.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

void drain_rate::begin(bool backlogged, steady_time now) noexcept {
  began_ = now;
  count_ = 0;
  backlogged_ = backlogged;
}

void drain_rate::left(std::uint32_t rows, duration took, bool backlogged,
                      steady_time now) noexcept {
  const auto idle = now - took - std::exchange(last_, now);
  if (idle >= window) return begin(backlogged, now);
  count_ += rows;
  backlogged_ = backlogged_ && backlogged;
  if (now - began_ < window) return;
  close(now);
  begin(backlogged, now);
}

void drain_rate::close(steady_time now) noexcept {
  const auto rate =
      static_cast<double>(count_) / std::chrono::duration<double>(now - began_).count();
  if (per_second_ == 0) {
    if (backlogged_) per_second_ = rate;
  } else if (backlogged_ || rate > per_second_) {
    per_second_ += weight * (rate - per_second_);
  }
}

void drain_rate::forget_old(steady_time now) noexcept {
  if (now - last_ > memory) per_second_ = 0;
}

duration drain_rate::time_for(std::uint64_t rows) const noexcept {
  if (per_second_ <= 0) return duration{0};
  constexpr double longest = 1e9;  // seconds: thirty years
  const auto wait = std::min(static_cast<double>(rows) / per_second_, longest);
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>{wait});
}

}  // namespace coppice::gateway
