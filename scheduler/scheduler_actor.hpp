#pragma once

#include "base/metrics.hpp"
#include "proto/contracts/cluster.hpp"
#include "scheduler/cluster_view.hpp"

#include <caf/fwd.hpp>

#include <string>
#include <vector>

namespace coppice::scheduler {

struct scheduler_options {
  std::string name = "scheduler-1";
  view_options view;
  /// Shown in `status`.
  std::vector<std::string> warnings;
};

/// Spawns the scheduler actor: places demand on engines, owns no request. `registry` must
/// outlive the system.
proto::scheduler_actor spawn_scheduler(caf::actor_system& system, scheduler_options options,
                                       metrics& registry);

}  // namespace coppice::scheduler
