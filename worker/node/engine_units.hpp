#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace coppice::worker {

/// A node's engines by unit, in their order: one unit for each group, one for each engine without a
/// group. What is done to one engine of a unit is done to all.
/// @param groups  the group of each engine, empty for none.
[[nodiscard]] std::vector<std::vector<std::size_t>> engine_units(
    const std::vector<std::string>& groups);

}  // namespace coppice::worker
