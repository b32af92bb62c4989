#pragma once

#include "base/clock.hpp"

#include <array>
#include <cstdint>

namespace coppice::scheduler {

/// The capacity of an engine on probation: 10, 20, 40, 80, then 100 %, a step at a time. A step in
/// which something bad is seen begins again.
class slow_start {
 public:
  slow_start(duration step, steady_time now) : step_{step}, began_{now} {}

  void turn(bool bad, steady_time now) {
    if (bad) began_ = now;
    for (; level_ < levels.size() && now - began_ >= step_; began_ += step_) ++level_;
  }
  /// Share of its rows, 10 to 100.
  [[nodiscard]] std::uint32_t percent() const noexcept { return over() ? 100 : levels[level_]; }
  [[nodiscard]] bool over() const noexcept { return level_ == levels.size(); }

 private:
  static constexpr std::array<std::uint32_t, 4> levels{10, 20, 40, 80};
  duration step_;
  steady_time began_;
  std::size_t level_ = 0;
};

}  // namespace coppice::scheduler
