#pragma once

#include "base/clock.hpp"

#include <optional>

namespace coppice {

/// Blocks SIGINT and SIGTERM for this thread and all it starts later. Call first in `main`.
void block_stop_signals();

/// Waits until SIGINT or SIGTERM comes. @returns its number.
int wait_for_stop_signal();

/// The same, at most for `limit`. @returns nothing if none came.
std::optional<int> wait_for_stop_signal(duration limit);

}  // namespace coppice
