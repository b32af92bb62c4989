#pragma once

#include "proto/contracts/cluster.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace coppice::actors {

/// What a dialler tells its owner; called on the dialler's thread, so pass them on as messages.
struct dialler_events {
  std::function<void(proto::scheduler_actor)> up;
  std::function<void(std::string reason)> down;
};

/// An actor that keeps one connection to the scheduler published at `host:port`: a non-blocking
/// TCP probe first (CAF's own connect blocks its middleman), then the handle, then a monitor;
/// after a loss it dials again with back-off and jitter. Ends with `exit_reason::user_shutdown`.
caf::actor dial_scheduler(caf::actor_system& system, std::string host, std::uint16_t port,
                          dialler_events events);

}  // namespace coppice::actors
