#pragma once

#include "proto/messages/control.hpp"
#include "worker/engine/attempt.hpp"

#include <array>
#include <cstdint>

namespace coppice::worker {

/// What one model did on this engine since its start, as plain numbers.
class load_counts {
 public:
  /// A step of `rows` rows (of a model that streams: of that many sequences) has run.
  void step_ran(std::uint32_t rows, release_reason reason, duration took);
  void answered(bool ok) noexcept { ok ? ++completed_ : ++failed_; }
  void refused() noexcept { ++refused_; }

  /// Adds the figures to `load`.
  void report(proto::model_load& load) const;

 private:
  static constexpr std::array<std::uint64_t, 11> row_bounds{1,  2,   4,   8,   16,  32,
                                                            64, 128, 256, 512, 1024};
  static constexpr std::array<std::uint64_t, 18> us_bounds{
      50,     100,     200,     500,     1'000,     2'000,     5'000,     10'000,     20'000,
      50'000, 100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 30'000'000};

  std::uint64_t completed_ = 0, failed_ = 0, refused_ = 0, us_sum_ = 0;
  std::array<std::uint64_t, row_bounds.size() + 1> rows_{};
  std::array<std::uint64_t, us_bounds.size() + 1> us_{};
  std::array<std::uint64_t, 5> releases_{};
};

}  // namespace coppice::worker
