#include "gateway/shard/drain_rate.hpp"

namespace coppice::gateway {

void drain_rate::left(std::uint32_t rows, steady_time now) noexcept {
  if (now - began_ > 10 * window) {  // after a pause, measure anew
    began_ = now;
    count_ = 0;
    per_second_ = 0;
  }
  count_ += rows;
  if (now - began_ < window) return;
  const auto rate =
      static_cast<double>(count_) / std::chrono::duration<double>(now - began_).count();
  per_second_ += (per_second_ == 0 ? 1 : weight) * (rate - per_second_);
  began_ = now;
  count_ = 0;
}

duration drain_rate::time_for(std::uint64_t rows) const noexcept {
  if (per_second_ <= 0) return duration{0};
  const std::chrono::duration<double> wait{static_cast<double>(rows) / per_second_};
  return std::chrono::duration_cast<duration>(wait);
}

}  // namespace coppice::gateway
