#pragma once

#include "base/clock.hpp"
#include "worker/engine/step_times.hpp"
#include "worker/model/model.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace coppice::worker {

/// How large a step is, as far as its time depends on it.
struct step_size {
  std::uint32_t rows = 0;
  /// Bytes of its inputs if every row were as large as its largest one, as padding makes them.
  std::uint64_t bytes = 0;
};

[[nodiscard]] step_size size_of(std::span<const batch_item> items) noexcept;

/// How long a step may take before it counts as hung, learned from the steps of the model that
/// ended on this node, by their size (a power of two of rows and of bytes). The rule, in which a
/// false kill is worse than a late one:
///   a size is judged by its own steps only, and only once `trusted_after` of them have ended;
///   `quick_trusted_after` are enough where none of them took a fiftieth of the floor;
///   its limit is 3 times their 99th percentile, at least 1.5 times the longest ever, at least 1 s;
///   a model whose time depends on more than the size of its inputs (`steady: false`) has none.
/// The worker takes the lower of this and its own `hang_after_ms`. Used by the instance's thread.
class step_limits {
 public:
  static constexpr std::uint32_t trusted_after = 50, quick_trusted_after = 8;
  static constexpr duration floor = 1s, quick = floor / 50;
  /// Sizes of one model that are kept; further ones are never judged.
  static constexpr std::size_t max_sizes = 64;

  /// Knows nothing and learns nothing.
  step_limits() = default;
  /// @param known  outlives this. @param model  `step_times_key` of the model.
  step_limits(step_times& known, std::uint64_t model) noexcept : known_{&known}, model_{model} {}

  /// Limit of a step that begins now; zero: not known.
  [[nodiscard]] duration limit(step_size size) noexcept;
  void record(step_size size, duration took) noexcept;

 private:
  struct met_size {
    std::uint64_t size = 0;
    /// Null: there was no room for it.
    step_times::entry* times = nullptr;
  };
  /// Null if nothing is kept of that size.
  [[nodiscard]] step_times::entry* times_of(step_size size) noexcept;

  step_times* known_ = nullptr;
  std::uint64_t model_ = 0;
  std::vector<met_size> sizes_;
  /// Where the last size was found: the next is often the same.
  std::size_t last_ = 0;
};

}  // namespace coppice::worker
