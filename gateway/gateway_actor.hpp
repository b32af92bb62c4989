#pragma once

#include "gateway/place_book.hpp"
#include "gateway/shard/shard_loop.hpp"
#include "proto/contracts/cluster.hpp"

#include <caf/fwd.hpp>

#include <functional>
#include <string>

namespace coppice::gateway {

/// What the gateway actor hears from inside its process, on top of its public interface.
using gateway_self = proto::gateway_actor::extend<
    // Demand of the shard, to be placed.
    proto::rpc<void(proto::place_request)>,
    // A scheduler can be reached: the handle, and its rank among those configured, from 0.
    proto::rpc<void(proto::scheduler_actor, std::uint32_t)>,
    // The scheduler of that rank is gone.
    proto::rpc<void(std::uint32_t)>,
    // The cluster as the first scheduler that is not silent sees it. Fails if none can be reached.
    proto::rpc<proto::cluster_status(caf::get_atom)>,
    // How many schedulers can be reached and are not silent: whether this actor still answers.
    proto::rpc<std::uint32_t(caf::ping_atom)>,
    // An operator's order, for every scheduler. Fails if none answers within a second.
    proto::rpc<proto::drain_status(proto::drain_order)>,
    // An operator's order for one node, through the first scheduler that knows it. Fails if none
    // answers within a second.
    proto::rpc<proto::apply_status(proto::apply_order)>,
    // The shard heeds a `drain_notice`: for every scheduler.
    proto::rpc<void(proto::drain_ack)>,
    // Content that the shard suspects: each fingerprint for the scheduler that is its home.
    proto::rpc<void(proto::suspicion)>,
    // How a trial of the shard ended: for the home of the fingerprint.
    proto::rpc<void(proto::trial_result)>,
    // Time to look for places that were not answered.
    proto::rpc<void(caf::tick_atom)>>;

/// Spawns the gateway actor: it carries demand from the shard to the home schedulers of its models
/// and what schedulers tell to the shard. Each `place_request` is answered by one mail: the
/// `place_reply` of all its parts, or `place_lost`. `post` reaches the shard from any thread and
/// outlives the actor, as does `counts`, which may be null.
gateway_self spawn_gateway(caf::actor_system& system, proto::gateway_state self,
                           std::function<void(shard_mail)> post, shard_counts* counts = nullptr,
                           place_limits limits = {});

/// The name by which every gateway knows that scheduler when it looks for homes.
std::string scheduler_name(const proto::scheduler_actor& scheduler);

}  // namespace coppice::gateway
