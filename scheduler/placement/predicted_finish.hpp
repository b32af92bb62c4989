#pragma once

#include "proto/messages/control.hpp"

#include <cstdint>
#include <vector>

namespace coppice::scheduler {

/// What placement knows of one model on one engine.
struct engine_load {
  /// Rows that gateways hold credit for: running, queued or in hand.
  std::uint32_t held_rows = 0;
  std::uint32_t max_batch = 1;
  std::uint32_t instances = 1;
  /// Measured mean times by batch size, ascending; may be empty.
  const std::vector<proto::batch_cost>* costs = nullptr;
};

/// Microseconds of a batch of `rows`, from the measured table: linear between two sizes, the
/// nearest beyond them, 1000 if nothing was measured yet.
[[nodiscard]] std::uint64_t batch_us(const std::vector<proto::batch_cost>& costs,
                                     std::uint32_t rows);

/// Microseconds until one more row would be done: full batches ahead of it, spread over the
/// instances, then the batch it joins. Joining a forming batch adds little, so it wins over
/// opening a new one elsewhere only where that is faster.
[[nodiscard]] std::uint64_t predicted_finish_us(const engine_load& load);

}  // namespace coppice::scheduler
