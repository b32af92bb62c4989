#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice::gateway {

/// Milliseconds after which a refused client should come back: `wait`, lengthened by up to half so
/// that those refused together do not come back together. 1 to 60,000.
/// @param draw  uniform in [0, 1).
[[nodiscard]] std::uint32_t retry_after_ms(duration wait, double draw) noexcept;

}  // namespace coppice::gateway
