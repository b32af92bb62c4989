#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace coppice::simulation {

enum class event_kind : std::uint32_t {
  wake,       ///< a host wants to run; argument: its life
  deliver,    ///< a packet has crossed a lane
  release,    ///< what a lane held back goes on
  establish,  ///< a dialled connection reaches its listener, or tries again
  sweep,      ///< transports look for silent peers
  fault,      ///< a fault begins
  heal,       ///< a fault ends
  submit,     ///< a request is asked for
  thaw,       ///< a frozen process goes on
  start,      ///< a process is started
};

/// Something that happens at a moment of the run. `target` and `argument` mean what the kind says.
struct event {
  duration at{0};
  std::uint64_t order = 0;
  event_kind kind = event_kind::wake;
  std::uint32_t target = 0;
  std::uint64_t argument = 0;
};

/// The one queue of a run, and its clock: true time, which starts at 0. Events of the same moment
/// happen in the order in which they were added.
class event_queue {
 public:
  void add(duration at, event_kind kind, std::uint32_t target, std::uint64_t argument = 0) {
    events_.push_back({std::max(at, now_), added_++, kind, target, argument});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  /// The earliest event; moves the clock to it. There must be one.
  event take() {
    std::pop_heap(events_.begin(), events_.end(), later);
    const auto next = events_.back();
    events_.pop_back();
    now_ = next.at;
    return next;
  }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  [[nodiscard]] duration next_at() const { return events_.front().at; }
  [[nodiscard]] duration now() const noexcept { return now_; }

 private:
  static bool later(const event& a, const event& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  std::vector<event> events_;
  duration now_{0};
  std::uint64_t added_ = 0;
};

}  // namespace coppice::simulation
