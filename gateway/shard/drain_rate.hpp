#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice::gateway {

/// Rows a second that a model's engines finish when they are kept busy: an exponential average over
/// windows of 100 ms. A window in which rows always waited measures it; one in which credit was
/// sometimes idle measures the load, and can only show that the rate is higher than was thought.
/// One in which nothing was under way for long, for want of engines, measures neither.
class drain_rate {
 public:
  /// `rows` rows were finished. @param backlogged  whether a row waited for their credit.
  /// @param took  since they were sent.
  void left(std::uint32_t rows, duration took, bool backlogged, steady_time now) noexcept;
  /// No row waits: what was measured is forgotten if none has left for `memory`.
  void forget_old(steady_time now) noexcept;
  /// Expected time until `rows` rows have left; zero while nothing was measured.
  [[nodiscard]] duration time_for(std::uint64_t rows) const noexcept;
  /// 0 while nothing was measured.
  [[nodiscard]] double per_second() const noexcept { return per_second_; }

  static constexpr duration memory = 5s;

 private:
  static constexpr duration window = 100ms;
  /// Weight of the newest window.
  static constexpr double weight = 0.4;

  void close(steady_time now) noexcept;

  void begin(bool backlogged, steady_time now) noexcept;

  steady_time began_{}, last_{};
  std::uint64_t count_ = 0;
  bool backlogged_ = false;
  double per_second_ = 0;
};

}  // namespace coppice::gateway
