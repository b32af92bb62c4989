#include "gateway/admission/admission.hpp"

#include "gateway/admission/retry_after.hpp"
#include "gateway/admission/standing_queue.hpp"

#include <array>

namespace coppice::gateway {

namespace {

/// Share of the time that may go into waiting: the rest is for errors of the estimate.
constexpr double share_for_waiting = 0.8;
/// Hundredths of the bytes that requests of a class may fill.
constexpr std::array<std::size_t, priorities.size()> bytes_share{100, 90, 80};

bool bytes_are_full(const admission_limits& limits, const admission_state& state) {
  const auto share = limits.admitted_bytes / 100 * bytes_share[index_of(state.rank)];
  const auto bound = state.rank == priority::critical ? limits.admitted_bytes : share;
  return state.admitted_bytes + state.request_bytes > bound;
}

bool would_miss(const admission_state& state) {
  if (state.wait <= duration{0}) return false;  // no queue is at fault
  return std::chrono::duration<double>(state.wait) >
         share_for_waiting * std::chrono::duration<double>(state.time_left - state.service);
}

bool too_old(const admission_state& state) {
  return state.wait > state.target + (state.stands ? duration{0} : standing_queue::window);
}

}  // namespace

admission_verdict admit(const admission_limits& limits, const admission_state& state) {
  const auto refuse = [&](shed_reason reason, const char* why) {
    error told{errc::overloaded, why, retry_after_ms(state.wait, state.draw)};
    return admission_verdict{shed{reason, std::move(told)}, false};
  };
  if (bytes_are_full(limits, state))
    return refuse(shed_reason::bytes, "The gateway holds as many bytes as it may.");
  if (would_miss(state))
    return refuse(shed_reason::deadline, "The queue is too long for this deadline.");
  if (too_old(state))
    return refuse(shed_reason::queue_age, "The queue stands: more comes than is served.");
  if (state.tenant_rows >= limits.tenant_waiting_rows)
    return refuse(shed_reason::tenant_share, "The tenant has its share of the gateway's queue.");
  const bool full = state.waiting_rows >= limits.waiting_rows;
  if (full && !state.lower_class_waits)
    return refuse(shed_reason::queue_full, "The gateway's queue is full.");
  return {std::nullopt, full};
}

}  // namespace coppice::gateway
