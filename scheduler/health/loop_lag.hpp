#pragma once

#include "base/clock.hpp"

#include <algorithm>

namespace coppice::scheduler {

/// A detector whose own loop is late trusts silence less: the time-outs it applies grow with its
/// lag, at most fourfold.
class loop_lag {
 public:
  explicit loop_lag(duration period) : period_{period} {}

  /// Call once a turn. @returns `limit`, stretched by how late this turn is.
  [[nodiscard]] duration stretch(duration limit, steady_time now) {
    const auto late = last_ == steady_time{} ? duration{0} : now - last_ - period_;
    last_ = now;
    if (late <= tolerated) return limit;
    return std::min<duration>(4 * limit, limit + limit * (late / tolerated));
  }

 private:
  static constexpr duration tolerated = 50ms;
  duration period_;
  steady_time last_{};
};

}  // namespace coppice::scheduler
