#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace coppice::worker {

/// The page an engine shares with its worker (a memfd): proof of progress, and the attempts of
/// the steps in progress, readable after the engine's death. Written by the engine only.
struct progress_page {
  static constexpr std::size_t max_lanes = 64;
  static constexpr std::size_t max_step_attempts = 64;

  /// One compute thread's current step.
  struct lane {
    /// Grows by one when a step begins and when it ends: odd while a step runs.
    std::atomic<std::uint64_t> ticks{0};
    /// Valid while `ticks` is odd.
    std::atomic<std::uint32_t> attempt_count{0};
    /// How long this step may take by what such steps took before, microseconds; 0: not known.
    std::atomic<std::uint64_t> limit_us{0};
    std::array<std::atomic<std::uint64_t>, max_step_attempts> attempts{};
  };

  /// Attempts accepted and not yet answered.
  std::atomic<std::uint32_t> open_attempts{0};
  /// Turns of the link thread's loop, at least one each 100 ms.
  std::atomic<std::uint64_t> loop_turns{0};
  std::array<lane, max_lanes> lanes{};
};

}  // namespace coppice::worker
