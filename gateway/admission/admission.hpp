#pragma once

#include "base/clock.hpp"
#include "gateway/admission/outgoing_bytes.hpp"
#include "gateway/admission/priority.hpp"
#include "gateway/admission/shed.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace coppice::gateway {

/// Bounds of what one shard takes in.
struct admission_limits {
  /// Requests of one model and version that wait for credit: one model's queue leaves others alone.
  std::size_t waiting_rows = 10'000;
  /// Of these, how many one tenant may have.
  std::size_t tenant_waiting_rows = 10'000;
  /// Bytes of all open requests, with the tokens that streams may grow to, and of replies that
  /// clients have not taken yet. `batch` requests
  /// are taken up to 80 % of it, `normal` ones up to 90 %, `critical` ones up to all of it.
  std::size_t admitted_bytes = std::size_t{1} << 30;
  /// Bytes of replies that clients have not taken.
  outgoing_limits outgoing = {};
  /// Wait for credit at which a queue is kept while more comes than is served. Nothing: 1 s, or the
  /// time of 1,024 rows where that is longer, so that a client with hundreds of requests in flight
  /// is served by a slow model too, and what arrives without end does not wait without end.
  std::optional<duration> queue_target = std::nullopt;
};

/// What admission looks at: plain numbers, gathered in O(1).
struct admission_state {
  priority rank = priority::normal;
  /// Requests that wait for the same model, and those of them that are this tenant's.
  std::size_t waiting_rows = 0;
  std::size_t tenant_rows = 0;
  /// Whether a request of a lower class waits there.
  bool lower_class_waits = false;
  std::size_t admitted_bytes = 0;
  std::size_t request_bytes = 0;
  /// Expected wait for credit, by the measured drain rate and what is served before.
  duration wait{0};
  /// Usual time of an attempt.
  duration service{0};
  duration time_left{0};
  /// The queue's target, and whether it stands above it.
  duration target = 1s;
  bool stands = false;
  /// Uniform in [0, 1): spreads `retry_after_ms`.
  double draw = 0;
};

/// What admission decided: nothing to refuse, or to refuse with this; or to take the request in
/// and refuse the newest row of the lowest class below its own instead.
struct admission_verdict {
  std::optional<shed> refused;
  bool push_out = false;
};

/// Whether a request may come in, in O(1) and before any work for it.
/// Refused (`overloaded`, with the time after which there may be room) if: bytes or queue are full
/// and no lower class gives way; the tenant has its share of the queue; by the drain rate the
/// request would miss its deadline; or its wait would be above the target, beyond the burst of
/// 100 ms that a queue which does not stand may take up.
[[nodiscard]] admission_verdict admit(const admission_limits& limits, const admission_state& state);

}  // namespace coppice::gateway
