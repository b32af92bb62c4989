#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace coppice::worker {

/// Mean time of a step by batch size: an exponential average for each power of two of rows.
class batch_times {
 public:
  void record(std::uint32_t rows, duration took);
  /// Expected time of a step of `rows` rows; zero while nothing was measured.
  [[nodiscard]] duration expect(std::uint32_t rows) const;
  [[nodiscard]] std::vector<proto::batch_cost> table() const;

 private:
  /// Weight of a new measurement.
  static constexpr double weight = 0.2;
  std::map<std::uint32_t, double> mean_us_;
};

}  // namespace coppice::worker
