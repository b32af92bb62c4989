#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <optional>

namespace coppice::scheduler {

/// A detector whose own loop is late trusts silence less: what it slept is not the silence of
/// others, whose messages wait behind the late turn. That stretches every time-out, fourfold while
/// the loop is always late.
class loop_lag {
 public:
  explicit loop_lag(duration period) : period_{period} {}

  /// Call once a turn.
  /// @returns the part of the time since the last turn that is nobody's silence: none of a turn at
  /// most 50 ms late, else three quarters of it and all but 200 ms.
  [[nodiscard]] duration excuse(steady_time now) {
    const auto passed = now - last_.value_or(now);
    last_ = now;
    const auto on_time = period_ + tolerated;
    return passed <= on_time ? duration{0}
                             : passed - std::clamp<duration>(passed / 4, on_time, most_charged);
  }

 private:
  static constexpr duration tolerated = 50ms;
  /// Of any one turn, however late.
  static constexpr duration most_charged = 200ms;
  duration period_;
  std::optional<steady_time> last_;
};

}  // namespace coppice::scheduler
