#pragma once

#include "base/clock.hpp"

namespace coppice::gateway {

/// How long engines take for an attempt, from sending it to its reply, while they are kept busy:
/// only attempts whose row had to wait count, the others find engines that are partly idle.
class service_time {
 public:
  void took(duration time, steady_time now) noexcept;
  /// What an attempt may be expected to take. A steady model (mean deviation at most an eighth of
  /// the mean): what nearly all take, the mean and twice the deviation. Any other: what most take
  /// at least, the mean less the deviation. Both are exponential averages that give the newest
  /// attempt a weight of 1/32. Zero before anything was measured and after `memory` without an
  /// attempt: what is refused because of it does not keep it from being measured anew.
  [[nodiscard]] duration usual(steady_time now) const noexcept;

  static constexpr duration memory = 1s;

 private:
  duration mean_{0};
  duration deviation_{0};
  steady_time measured_{};
};

}  // namespace coppice::gateway
