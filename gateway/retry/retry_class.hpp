#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>

namespace coppice::gateway {

/// What ended an attempt whose request has no outcome yet.
enum class attempt_end {
  /// The engine was full.
  refused,
  /// The link was gone before the attempt was sent.
  unsent,
  /// The link dropped or fell silent, and no worker has said why.
  link_lost,
  /// The engine ended, by its worker's or a scheduler's word; the attempt is not to blame.
  engine_lost,
  /// The same, and the attempt was in the step that ended it.
  suspect,
  /// The same, by a hang.
  hung_suspect,
  /// The engine answered with an error.
  answered,
};

/// Whether the attempt may have ended its engine.
[[nodiscard]] constexpr bool is_suspect(attempt_end how) noexcept {
  return how == attempt_end::suspect || how == attempt_end::hung_suspect;
}

struct attempt_failure {
  attempt_end how;
  /// The engine's answer; of `answered` only.
  errc code = errc::internal;
  /// Names the engine and what befell it, for the sentence that the client sees.
  std::string reason;
};

/// What the decision needs to know of the request.
struct tried_request {
  bool at_most_once = false;
  /// The attempt was alone on its engine, as a trial.
  bool ran_alone = false;
  /// Attempts that went out, this one included; refused ones are not counted.
  std::uint32_t attempts = 1;
  /// Refusals, this one included.
  std::uint32_t refusals = 0;
  duration time_left{0};
  /// Half of the model's attempts take no longer; zero while that is not known.
  duration usual_time{0};
};

struct retry_limits {
  /// Refusals of one request that are tried again at once; more of them wait a moment.
  std::uint32_t prompt_refusals = 8;
  /// Refusals that end it.
  std::uint32_t refusals = 64;
  /// Retries that are not at once wait between zero and this.
  duration spread = 50ms;
  /// How long a lost request waits for the budget, which is earned anew all the time; at most to
  /// its deadline.
  duration budget_patience = 2s;
};

struct retry_decision {
  enum class action { again, pause, alone, owe, end };
  action what = action::again;
  /// `pause`: how long. `owe`: how long it waits for a token of the budget, for which it stands in
  /// line; then it ends by `why`.
  duration wait{0};
  /// It takes a token of the retry budget; without one `without_budget` decides.
  bool charged = false;
  /// `end`, `owe`: the outcome.
  error why{};
};

/// Decides by one table (in the source) what follows an attempt that failed. Pure.
/// @param draw  uniform in [0, 1).
[[nodiscard]] retry_decision decide(const retry_limits& limits, const tried_request& request,
                                    const attempt_failure& failure, double draw);

/// Whether another engine would answer the same: then nothing is tried again.
[[nodiscard]] bool is_settled(errc answer) noexcept;

/// What follows where the budget does not allow a retry now: what was lost waits for it, what was
/// answered ends with its answer.
[[nodiscard]] retry_decision without_budget(const retry_limits& limits,
                                            const attempt_failure& failure);

}  // namespace coppice::gateway
