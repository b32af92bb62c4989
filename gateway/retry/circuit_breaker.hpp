#pragma once

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

#include <cstdint>
#include <unordered_map>

namespace coppice::gateway {

struct breaker_options {
  /// Failures in a row that are the engine's fault and open the breaker.
  std::uint32_t failures = 5;
  /// How long it stays open: doubles with every probe that fails.
  backoff open_for{500ms, 30s, 0.2};
  /// Incarnations remembered; the failures of others are not counted.
  std::size_t incarnations = 4096;
};

/// Circuit breakers of one model (one route), by the incarnation of the engine. Closed: send.
/// Open: do not. Half open, when its time is over: one attempt, the probe, goes out; its success
/// closes the breaker, its failure opens it for twice as long.
///
/// What counts as a failure is for the caller: an error of the engine itself, a deadline that
/// passed in its hands; never `model_error` or `invalid`, never that it is full.
/// An engine without failures has no entry: while `empty()`, nothing needs to be asked. One thread.
class circuit_breakers {
 public:
  explicit circuit_breakers(const breaker_options& options = {}) : options_{options} {}

  /// No engine has failed lately.
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// May an attempt be sent there now?
  [[nodiscard]] bool may_send(incarnation_id to, steady_time now) const noexcept;
  /// Where every engine is closed to attempts, one may still go out: a model is never left without
  /// an engine. False while a probe is under way somewhere.
  [[nodiscard]] bool may_probe() const noexcept { return probes_ == 0; }

  /// An attempt went out. On an engine that is not closed it is the probe.
  void sent(incarnation_id to) noexcept;
  /// The engine answered as it should, or the request was to blame.
  void succeeded(incarnation_id from) noexcept;
  /// @param draw  uniform in [0, 1). @returns whether this opened the breaker.
  bool failed(incarnation_id from, steady_time now, double draw);
  /// The attempt ended without saying anything of the engine: refused, cancelled.
  void released(incarnation_id from) noexcept;
  /// The incarnation is gone.
  void forget(incarnation_id gone) noexcept { succeeded(gone); }

  /// Engines to which nothing may be sent, or a probe only.
  [[nodiscard]] std::size_t open() const noexcept;

 private:
  struct entry {
    std::uint32_t failures = 0;
    /// How often it opened in a row; 0: it is closed.
    std::uint32_t streak = 0;
    steady_time until{};
    bool probing = false;
  };

  breaker_options options_;
  std::unordered_map<incarnation_id, entry> entries_;
  std::size_t probes_ = 0;
};

}  // namespace coppice::gateway
