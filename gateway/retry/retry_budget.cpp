#include "gateway/retry/retry_budget.hpp"

#include <algorithm>

namespace coppice::gateway {

retry_budget::retry_budget(const retry_budget_options& options) noexcept
    : options_{options},
      earned_{options.burst},
      floor_{options.floor_per_second},
      allowed_{options.burst} {}

void retry_budget::turn(steady_time now) noexcept {
  const auto windows = (now - began_) / window;
  if (windows < 1) return;
  before_ = windows == 1 ? now_ : asked{};
  now_ = {};
  began_ += windows * window;
}

void retry_budget::admitted(steady_time now) noexcept {
  turn(now);
  ++now_.requests;
  allowed_.earn(options_.per_request);
}

void retry_budget::shed(steady_time now) noexcept {
  turn(now);
  ++now_.requests;
  ++now_.shed;
}

bool retry_budget::is_shedding(steady_time now) noexcept {
  turn(now);
  const auto requests = static_cast<double>(now_.requests + before_.requests);
  return static_cast<double>(now_.shed + before_.shed) > options_.shed_share * requests;
}

bool retry_budget::take(steady_time now) noexcept {
  if (is_shedding(now)) return false;
  const std::chrono::duration<double> since = std::min<duration>(now - filled_, 10s);
  filled_ = now;
  floor_.earn(options_.floor_per_second * since.count());
  if (earned_.has_one() && allowed_.has_one()) {
    earned_.take_one();
    allowed_.take_one();
    return true;
  }
  if (!floor_.has_one()) return false;
  floor_.take_one();
  return true;
}

}  // namespace coppice::gateway
