#pragma once

#include "base/clock.hpp"
#include "worker/engine/progress_page.hpp"

#include <array>
#include <vector>

namespace coppice::worker {

/// Judges from the shared page whether a step hangs: a lane whose counter stands still at an odd
/// value for longer than a limit. An idle lane (even) never hangs; neither does a busy one whose
/// steps end.
class progress_watch {
 public:
  /// @returns whether some lane has been inside one step for `limit` or longer.
  [[nodiscard]] bool hangs(const progress_page& page, duration limit, steady_time now);

 private:
  struct seen {
    std::uint64_t ticks = 0;
    steady_time since{};
  };
  std::array<seen, progress_page::max_lanes> lanes_{};
};

/// Attempts of the steps that were in progress when the page was last written.
[[nodiscard]] std::vector<std::uint64_t> attempts_in_progress(const progress_page& page);

}  // namespace coppice::worker
