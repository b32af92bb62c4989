#pragma once

#include "gateway/admission/admission.hpp"
#include "gateway/admission/service_time.hpp"
#include "gateway/admission/standing_queue.hpp"
#include "gateway/shard/drain_rate.hpp"
#include "gateway/shard/waiting_rows.hpp"

#include <array>

namespace coppice::gateway {

/// One arrival, as the guard of its model looks at it.
struct arrival {
  /// The row it would be: class, tenant, weight, deadline, cost.
  waiting_row row;
  std::size_t bytes = 0;
  /// Uniform in [0, 1).
  double draw = 0;
};

/// Guards the waiting rows of one model against overload: measures how fast engines finish rows
/// and whether the queue of a class stands, and judges arrivals by it. Everything is O(1).
///
/// The limit it enforces on waiting rows is `target` times the measured rate, so it follows the
/// engines: it falls when some die and grows when some come. Rows in flight need no limit of their
/// own: credit is one, and the engines enforce it.
class overload_guard {
 public:
  /// @param admitted_bytes  bytes of open requests and of replies that were not taken yet.
  [[nodiscard]] admission_verdict judge(const admission_limits& limits, const arrival& asked,
                                        const waiting_rows& waiting, std::size_t admitted_bytes,
                                        steady_time now);
  /// A row goes to an engine after `waited`; 0: there was credit in hand.
  void sent(const admission_limits& limits, priority rank, duration waited,
            steady_time now) noexcept;
  /// An engine answered. @param took  since the attempt was sent. @param waited  whether the row
  /// had to wait before. @param backlogged  whether a row waits for the credit that comes back.
  void answered(std::uint32_t rows, duration took, bool waited, bool backlogged,
                steady_time now) noexcept;
  /// Whether the row at the front is not worth its credit: an engine would take longer than there
  /// is time left. It has missed its deadline.
  [[nodiscard]] bool too_late(const waiting_row& row, steady_time now) const noexcept;
  /// Whether the row at the front waited so long in a queue that stands that serving it would only
  /// pass its age on to those behind: it is refused. Only where a target is configured.
  [[nodiscard]] bool too_old(const admission_limits& limits, const waiting_row& row,
                             steady_time now) const noexcept;

  /// The wait at which the queue is kept while it stands.
  [[nodiscard]] duration target(const admission_limits& limits) const noexcept;
  [[nodiscard]] const drain_rate& drained() const noexcept { return drained_; }

 private:
  drain_rate drained_;
  service_time service_;
  std::array<standing_queue, priorities.size()> queues_;
};

}  // namespace coppice::gateway
