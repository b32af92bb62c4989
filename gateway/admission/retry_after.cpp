#include "gateway/admission/retry_after.hpp"

#include <algorithm>
#include <cmath>

namespace coppice::gateway {

std::uint32_t retry_after_ms(duration wait, double draw) noexcept {
  const auto ms = std::chrono::duration<double, std::milli>(wait).count() * (1 + 0.5 * draw);
  return static_cast<std::uint32_t>(std::clamp(std::ceil(ms), 1.0, 60'000.0));
}

}  // namespace coppice::gateway
