#pragma once

#include "base/backoff.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace coppice::worker {

/// How often and how soon a part that ended is started again.
struct restart_options {
  /// Restarts allowed within `period`; one more gives up.
  std::uint32_t intensity = 5;
  duration period = 60s;
  backoff pause;
};

/// Decides what follows an exit. Pure: time and the draw for jitter come from outside.
class restart_policy {
 public:
  explicit restart_policy(restart_options options) : options_{options} {}

  /// @param draw  uniform in [0, 1).
  /// @returns the delay before the next start, or nothing: too many restarts, give up.
  [[nodiscard]] std::optional<duration> after_exit(steady_time now, double draw);

 private:
  restart_options options_;
  std::deque<steady_time> recent_;
};

}  // namespace coppice::worker
