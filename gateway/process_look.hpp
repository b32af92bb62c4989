#pragma once

#include "gateway/gateway_actor.hpp"
#include "gateway/shard/shard_loop.hpp"

namespace coppice::gateway {

/// Looks at the parts of a gateway process: its shard must tick, and its actor answer.
/// @param limit  for each of them.
/// @returns what it does, as one line. @error which part does not answer.
expected<std::string> look_at(shard_loop& shard, caf::actor_system& system,
                              const gateway_self& gateway, duration limit);

}  // namespace coppice::gateway
