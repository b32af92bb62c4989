#pragma once

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "proto/contracts/cluster.hpp"

#include <caf/fwd.hpp>

#include <string>
#include <vector>

namespace coppice::scheduler {

struct scheduler_options {
  std::string name = "scheduler-1";
  /// Silence after which a node is dead; snapshots come every 100 ms.
  duration node_silence = 500ms;
  /// Lifetime of granted credit.
  duration credit_ttl = 1s;
  /// Shown in `status`.
  std::vector<std::string> warnings;
};

/// Spawns the scheduler actor: places demand on engines, owns no request. `registry` must
/// outlive the system.
proto::scheduler_actor spawn_scheduler(caf::actor_system& system, scheduler_options options,
                                       metrics& registry);

}  // namespace coppice::scheduler
