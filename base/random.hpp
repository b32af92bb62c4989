#pragma once

#include <cstdint>

namespace coppice {

/// 64 random bits from the kernel; never 0. For ids and seeds, not for the hot path.
[[nodiscard]] std::uint64_t random_id();

}  // namespace coppice
