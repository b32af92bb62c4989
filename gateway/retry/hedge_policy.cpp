#include "gateway/retry/hedge_policy.hpp"

#include "gateway/retry/recent_times.hpp"

#include <algorithm>

namespace coppice::gateway {

void hedge_policy::admitted() noexcept {
  tokens_ = std::min(options_.burst, tokens_ + options_.share);
}

void hedge_policy::sent(row_id row, attempt_id attempt, steady_time now) {
  if (watched_.size() < options_.watched) watched_.push_back({row, attempt, now});
}

std::optional<hedge_policy::watched_attempt> hedge_policy::next_due(duration after,
                                                                    const recent_times& recent,
                                                                    double load, steady_time now) {
  if (watched_.empty() || after <= duration{0}) return std::nullopt;
  const auto delay = std::max(after, recent.quantile(0.95));
  const bool allowed = load <= options_.load && tokens_ >= 1;
  while (!watched_.empty() && now - watched_.front().sent >= delay) {
    const auto due = watched_.front();
    watched_.pop_front();
    if (allowed) return due;
  }
  return std::nullopt;
}

}  // namespace coppice::gateway
