#pragma once

#include "proto/contracts/cluster.hpp"

#include <caf/actor_system_config.hpp>

namespace coppice::testing {

/// An actor system whose actors take turns only when a test says so, and whose clock stands still.
/// Without a middleman: nothing here leaves the process, and CAF 0.17's BASP broker leaks itself
/// when it is multiplexed by hand.
struct virtual_time_config : caf::actor_system_config {
  virtual_time_config() {
    add_message_types<caf::id_block::coppice_cluster>();
    set("scheduler.policy", caf::atom("testing"));
  }
};

}  // namespace coppice::testing
