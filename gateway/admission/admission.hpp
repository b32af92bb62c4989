#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"

#include <cstddef>

namespace coppice::gateway {

/// Bounds of what one shard takes in.
struct admission_limits {
  /// Rows of one model and version that wait for credit: one model's queue leaves others alone.
  std::size_t waiting_rows = 10'000;
  /// Bytes of all open requests.
  std::size_t admitted_bytes = std::size_t{1} << 30;
};

/// What admission looks at: plain numbers, gathered in O(1).
struct admission_state {
  std::size_t waiting_rows = 0;
  std::size_t admitted_bytes = 0;
  std::size_t request_bytes = 0;
  /// Expected wait for credit by the measured drain rate.
  duration predicted_wait{0};
  duration time_left{0};
};

/// Whether a request that cannot be sent at once may wait.
/// @error `overloaded` with the time after which there will be room: the queue or the bytes are
///        full, or by the drain rate the request would miss its deadline.
[[nodiscard]] expected<void> admit(const admission_limits& limits, const admission_state& state);

}  // namespace coppice::gateway
