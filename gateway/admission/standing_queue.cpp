#include "gateway/admission/standing_queue.hpp"

#include <algorithm>

namespace coppice::gateway {

void standing_queue::left(duration wait, duration target, steady_time now) noexcept {
  least_ = std::min(least_, wait);
  if (now - began_ < window) return;
  stands_ = least_ > target || (stands_ && refused_);
  began_ = now;
  least_ = duration::max();
  refused_ = false;
}

}  // namespace coppice::gateway
