#pragma once

#include "base/clock.hpp"
#include "worker/model/model_spec.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coppice::worker {

/// What steps took on a node, by model, kind of device and size: memory that its engines share and
/// their worker keeps (a memfd), so that an engine which starts anew, or seldom has work, is judged
/// by what its siblings and predecessors learned. All zeros is empty. Any number of threads of any
/// number of processes; one that dies amid `record` loses that step at most.
struct step_times {
  /// Counters of slow steps: 32 for each doubling (3 %), from 2^18 us (0.26 s) to 2^32 us (71 min).
  static constexpr std::size_t per_octave = 32, octaves = 14, counters = octaves * per_octave;
  static constexpr std::size_t max_entries = 1024;

  /// Of one size of one model.
  struct entry {
    /// 0: free.
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> steps{0};
    std::atomic<std::uint64_t> longest_us{0};
    /// Counts of the steps of 0.26 s or more, by time.
    std::array<std::atomic<std::uint32_t>, counters> slow{};

    void record(duration took) noexcept;
    [[nodiscard]] duration longest() const noexcept;
    /// At most one step in a hundred took longer; zero if that is below 0.26 s.
    [[nodiscard]] duration percentile_99() const noexcept;
  };

  std::array<entry, max_entries> entries{};

  /// The entry of `key`, which is not 0, made if it is new. Null if there is no room for it.
  [[nodiscard]] entry* find(std::uint64_t key) noexcept;
};

/// What the times of a model's steps are kept by: its name, version, file as it is now and threads,
/// and the kind of its device ("cuda:1" is a "cuda").
[[nodiscard]] std::uint64_t step_times_key(const model_spec& spec, std::string_view device);

}  // namespace coppice::worker
