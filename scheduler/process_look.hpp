#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "proto/contracts/cluster.hpp"

#include <caf/fwd.hpp>

#include <string>

namespace coppice::scheduler {

/// What a scheduler sees, as one line.
[[nodiscard]] std::string status_line(const proto::cluster_status& seen);

/// Looks at a scheduler of this process: its actor must answer within `limit`.
/// @returns its `status_line`. @error that it does not answer.
expected<std::string> look_at(caf::actor_system& system, const proto::scheduler_actor& scheduler,
                              duration limit);

}  // namespace coppice::scheduler
