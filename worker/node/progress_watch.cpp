#include "worker/node/progress_watch.hpp"

#include <algorithm>

namespace coppice::worker {

bool progress_watch::hangs(const progress_page& page, duration limit, steady_time now) {
  bool found = false;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const auto ticks = page.lanes[i].ticks.load(std::memory_order_acquire);
    if (ticks != lanes_[i].ticks) lanes_[i] = {ticks, now};
    found = found || (ticks % 2 == 1 && now - lanes_[i].since >= limit);
  }
  return found;
}

std::vector<std::uint64_t> attempts_in_progress(const progress_page& page) {
  std::vector<std::uint64_t> attempts;
  for (const auto& lane : page.lanes) {
    if (lane.ticks.load(std::memory_order_acquire) % 2 == 0) continue;
    const auto n = std::min<std::size_t>(lane.attempt_count.load(std::memory_order_relaxed),
                                         progress_page::max_step_attempts);
    for (std::size_t i = 0; i < n; ++i)
      attempts.push_back(lane.attempts[i].load(std::memory_order_relaxed));
  }
  return attempts;
}

}  // namespace coppice::worker
