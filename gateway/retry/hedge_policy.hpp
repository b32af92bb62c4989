#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace coppice::gateway {

class recent_times;

struct hedge_options {
  /// Share of a model's requests that may get a second attempt.
  double share = 0.02;
  /// Second attempts that may be saved up.
  double burst = 5;
  /// No second attempts while more than this share of the credit in hand is in use.
  double load = 0.7;
  /// Attempts watched at once; others are not hedged.
  std::size_t watched = 65'536;
};

/// Second attempts of one model that opted in (`model_card.hedge_after_us`): the slowest few get a
/// second engine, and the first reply wins. Attempts are watched in the order they were sent; one
/// delay holds for all of them, so the front is due first. The caller leaves out at_most_once,
/// streams, trials and whatever is itself a second attempt. O(1) an attempt. One thread.
class hedge_policy {
 public:
  struct watched_attempt {
    row_id row;
    attempt_id attempt;
    steady_time sent;
  };

  explicit hedge_policy(const hedge_options& options = {}) noexcept : options_{options} {}

  /// A request was accepted: it earns its share of a second attempt.
  void admitted() noexcept;
  /// A first attempt went out.
  void sent(row_id row, attempt_id attempt, steady_time now);
  /// An attempt for whose row a second one may be sent now: it was sent max(`after`, the 95th
  /// percentile of `recent`) ago. It is watched no longer; the caller sends the second attempt if
  /// this one is still live, then calls `hedged`.
  /// @param after   the model's `hedge_after`; zero: never.
  /// @param recent  times of the model's attempts.
  /// @param load    rows in flight as a share of the credit in hand, 0 to 1; 1 while rows wait.
  [[nodiscard]] std::optional<watched_attempt> next_due(duration after, const recent_times& recent,
                                                        double load, steady_time now);
  /// The second attempt was sent.
  void hedged() noexcept { tokens_ -= 1; }
  [[nodiscard]] std::size_t watched() const noexcept { return watched_.size(); }

 private:
  hedge_options options_;
  double tokens_ = 0;
  std::deque<watched_attempt> watched_;
};

}  // namespace coppice::gateway
