#pragma once

#include "base/clock.hpp"
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

/// How long a step may take before it counts as hung, learned from the steps of one instance that
/// ended, by their size (a power of two of rows and of bytes). The rule, in which a false kill is
/// worse than a late one:
///   a size is judged by its own steps only, and only once `trusted_after` of them have ended;
///   its limit is 3 times their 99th percentile, at least 1.5 times the longest ever, at least 1 s;
///   a model whose time depends on more than the size of its inputs (`steady: false`) is never
///   judged by what it took before.
/// The worker takes the lower of this and its own `hang_after_ms`. Used by the instance's thread.
class step_limits {
 public:
  static constexpr std::uint32_t trusted_after = 50;
  static constexpr duration floor = 1s;
  /// Sizes kept; further ones are never judged.
  static constexpr std::size_t max_sizes = 64;

  step_limits() = default;
  explicit step_limits(bool steady) : steady_{steady} {}

  /// Limit of a step that begins now; zero: not known.
  [[nodiscard]] duration limit(step_size size) const noexcept;
  void record(step_size size, duration took);

 private:
  struct history {
    std::uint64_t key = 0;
    std::uint64_t steps = 0;
    duration longest{0};
    /// Counts of the steps that could raise the limit above its floor, by time; empty without any.
    std::vector<std::uint32_t> slow;
  };
  /// Where the history of `key` is; `sizes_.size()` if there is none.
  [[nodiscard]] std::size_t find(std::uint64_t key) const noexcept;
  [[nodiscard]] static duration percentile_99(const history& of) noexcept;

  bool steady_ = true;
  std::vector<history> sizes_;
  /// Where the last size was found: the next is often the same.
  mutable std::size_t last_ = 0;
};

}  // namespace coppice::worker
