#include "gateway/admission/admission.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

/// Share of the time left that may go into waiting: the rest is for the batch and the way back.
constexpr double share_for_waiting = 0.8;

std::uint32_t milliseconds(duration wait) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<std::uint32_t>(std::clamp<long>(ms, 1, 60'000));
}

}  // namespace

expected<void> admit(const admission_limits& limits, const admission_state& state) {
  const auto retry = milliseconds(state.predicted_wait);
  if (state.waiting_rows >= limits.waiting_rows)
    return fail(errc::overloaded, "The gateway's queue is full.", retry);
  if (state.admitted_bytes + state.request_bytes > limits.admitted_bytes)
    return fail(errc::overloaded, "The gateway holds as many bytes of requests as it may.", retry);
  if (std::chrono::duration<double>(state.predicted_wait) >
      share_for_waiting * std::chrono::duration<double>(state.time_left))
    return fail(errc::overloaded, "The queue is too long for this deadline.", retry);
  return {};
}

}  // namespace coppice::gateway
