#pragma once

#include "worker/model/model.hpp"

#include <cstddef>

namespace coppice::worker {

/// The i-th element of a tensor of numbers or booleans (not BYTES), in row-major order. Exact.
[[nodiscard]] long double element_value(const host_tensor& tensor, std::size_t i);

}  // namespace coppice::worker
