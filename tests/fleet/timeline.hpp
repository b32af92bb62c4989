#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace coppice::fleet {

/// The virtual time of a fleet, and what is to happen in it. Actions of the same moment happen in
/// the order in which they were added. Zero moments of decision classes lie before its begin.
class timeline {
 public:
  using action = std::function<void()>;

  void at(steady_time when, action what) {
    events_.push_back({std::max(when, now_), added_++, std::move(what)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void in(duration wait, action what) { at(now_ + wait, std::move(what)); }
  /// `what` now and then each `period`, for ever.
  void every(duration period, const action& what) {
    what();
    in(period, [this, period, what] { every(period, what); });
  }
  void run_until(steady_time end) {
    while (!events_.empty() && events_.front().when <= end) {
      std::pop_heap(events_.begin(), events_.end(), later);
      auto next = std::move(events_.back());
      events_.pop_back();
      now_ = next.when;
      next.what();
    }
    now_ = end;
  }
  [[nodiscard]] steady_time now() const noexcept { return now_; }

 private:
  struct event {
    steady_time when;
    std::uint64_t order = 0;
    action what;
  };
  static bool later(const event& a, const event& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  std::vector<event> events_;
  steady_time now_ = steady_time{} + 1h;
  std::uint64_t added_ = 0;
};

}  // namespace coppice::fleet
