#pragma once

#include "gateway/shard/shard_loop.hpp"
#include "proto/contracts/cluster.hpp"

#include <caf/fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace coppice::gateway {

/// What the gateway actor hears from inside its process, on top of its public interface.
using gateway_self = proto::gateway_actor::extend<
    // Demand of the shard, to be placed.
    proto::rpc<void(proto::place_request)>,
    // A scheduler can be reached: the handle, and its rank among those configured, from 0.
    proto::rpc<void(proto::scheduler_actor, std::uint32_t)>,
    // The scheduler of that rank is gone.
    proto::rpc<void(std::uint32_t)>,
    // The cluster as the home scheduler sees it. Fails if no scheduler can be reached.
    proto::rpc<proto::cluster_status(caf::get_atom)>>;

/// Spawns the gateway actor: it carries demand from the shard to its home scheduler (the first
/// configured one that lives) and what schedulers tell to the shard. `post` reaches the shard
/// from any thread and outlives the actor.
gateway_self spawn_gateway(caf::actor_system& system, proto::gateway_state self,
                           std::function<void(shard_mail)> post);

}  // namespace coppice::gateway
