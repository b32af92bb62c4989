#include "gateway/admission/service_time.hpp"

#include <algorithm>

namespace coppice::gateway {

void service_time::took(duration time, steady_time now) noexcept {
  if (now - measured_ >= memory) mean_ = time, deviation_ = duration{0};
  measured_ = now;
  const auto error = time - mean_;
  mean_ += error / 32;
  deviation_ += ((error < duration{0} ? -error : error) - deviation_) / 32;
}

duration service_time::usual(steady_time now) const noexcept {
  if (now - measured_ >= memory) return duration{0};
  if (deviation_ <= mean_ / 8) return mean_ + 2 * deviation_;
  return std::max(mean_ - deviation_, duration{0});
}

}  // namespace coppice::gateway
