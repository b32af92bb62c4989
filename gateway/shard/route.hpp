#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "gateway/admission/overload_guard.hpp"
#include "gateway/retry/circuit_breaker.hpp"
#include "gateway/retry/hedge_policy.hpp"
#include "gateway/retry/recent_times.hpp"
#include "gateway/retry/retry_budget.hpp"
#include "gateway/shard/credit.hpp"
#include "gateway/shard/waiting_rows.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace coppice::gateway {

struct flight_model;
struct model_counts;

/// What a shard keeps for one model and version as clients name them (version 0: the newest).
class route {
 public:
  /// A lost request in line for the retry budget, and what ends it if there is none in time.
  struct owed_retry {
    row_id row;
    steady_time until;
    error why;
  };

  route(std::string model, std::uint32_t version) : model_{std::move(model)}, version_{version} {}

  [[nodiscard]] const std::string& model() const noexcept { return model_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

  waiting_rows waiting;
  credit_purse credit;
  overload_guard guard;
  retry_budget budget;
  /// First come, first tried again; entries of rows that went on otherwise are passed over.
  std::deque<owed_retry> owed;
  circuit_breakers breakers;
  /// Times of its attempts.
  recent_times times;
  hedge_policy hedges;
  /// Age of an attempt at which a second one may go out; zero: never.
  duration hedge_after{0};
  /// Part of the `place` in flight.
  bool asked = false;
  /// No `place` for it before this time.
  steady_time ask_after{};
  /// Since when no engine serves it; `steady_time::max()`: one does.
  steady_time unserved_since = steady_time::max();
  /// When the scheduler last refused it: what arrived later was not judged yet.
  steady_time refused_at{};
  /// How the recorder knows it; owned by the recorder.
  flight_model* flight = nullptr;
  /// Figures, owned by the shard's counts; null in tests.
  model_counts* counts = nullptr;

 private:
  std::string model_;
  std::uint32_t version_;
};

}  // namespace coppice::gateway
