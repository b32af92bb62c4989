#pragma once

#include "base/clock.hpp"

namespace coppice::gateway {

/// Tells a queue that stands from one that takes up a burst, as CoDel does (Nichols, Jacobson 2012,
/// "Controlling queue delay"): a queue whose least wait over 100 ms stayed above its target stands.
/// It stands until the least wait was below the target over 100 ms in which nothing was refused:
/// while arrivals are refused, a short queue is their refusal's work and not the load's end.
class standing_queue {
 public:
  static constexpr duration window = 100ms;

  /// A row left the queue after `wait`; 0: it never waited.
  void left(duration wait, duration target, steady_time now) noexcept;
  /// An arrival was refused to keep the queue at its target.
  void refused() noexcept { refused_ = true; }
  [[nodiscard]] bool stands() const noexcept { return stands_; }

 private:
  steady_time began_{};
  duration least_ = duration::max();
  bool refused_ = false;
  bool stands_ = false;
};

}  // namespace coppice::gateway
