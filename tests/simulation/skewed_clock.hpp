#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice::simulation {

/// A machine's steady clock: it began at some time and runs a little fast or slow.
class skewed_clock {
 public:
  skewed_clock() = default;
  /// @param offset  what it shows at the begin of the run.  @param ppm  its error, at most 1000.
  skewed_clock(duration offset, std::int64_t ppm) : offset_{offset}, ppm_{ppm} {}

  [[nodiscard]] steady_time at(duration truth) const {
    return steady_time{offset_ + truth + duration{truth.count() / million * ppm_} +
                       duration{truth.count() % million * ppm_ / million}};
  }
  /// The earliest true time of the run at which it shows `local` or later.
  [[nodiscard]] duration when(steady_time local) const {
    if (local <= at(duration{0})) return duration{0};
    if (local > at(longest)) return longest;
    const auto shown = local.time_since_epoch() - offset_;
    auto guess = shown;
    for (int i = 0; i < 3; ++i) guess += local - at(guess);
    while (at(guess - duration{1}) >= local) --guess;
    while (at(guess) < local) ++guess;
    return guess;
  }

 private:
  static constexpr std::int64_t million = 1'000'000;
  /// Beyond any run.
  static constexpr duration longest = std::chrono::hours{1000};
  duration offset_{0};
  std::int64_t ppm_ = 0;
};

}  // namespace coppice::simulation
