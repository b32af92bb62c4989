#pragma once

#include "proto/contracts/inspect.hpp"
#include "proto/messages/control.hpp"

#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

/// The typed interfaces of the actors that meet over CAF, and their one type-id block.
namespace coppice::proto {

/// Our spelling of a message signature: `rpc<Out(In...)>` answers, `rpc<void(In...)>` does not.
template <class Signature>
struct rpc_of;
template <class Out, class... In>
struct rpc_of<Out(In...)> {
  using type = typename caf::replies_to<In...>::template with<Out>;
};
template <class... In>
struct rpc_of<void(In...)> {
  using type = caf::reacts_to<In...>;
};
template <class Signature>
using rpc = typename rpc_of<Signature>::type;

using gateway_actor = caf::typed_actor<
    // Every model that some engine serves now; replaces the last.
    rpc<void(catalogue)>,
    // An incarnation ended: its attempts are lost, suspects named.
    rpc<void(engine_down)>,
    // What is to be done with requests of some content; replaces what was said of it before.
    rpc<void(judgement)>,
    // Those incarnations take no new attempts. Answered with a `drain_ack`, each time it is told.
    rpc<void(drain_notice)>>;

using node_actor = caf::typed_actor<
    // The scheduler has the node's snapshot of that sequence number.
    rpc<void(std::uint64_t)>,
    // An operator's order for this node or one of its engines. It shows in the next snapshot, as
    // the verdict `draining` or `up`; it outlives the engine's restarts, not the node's. Whatever
    // is not of this node is ignored.
    rpc<void(drain_order)>,
    // What this node is to serve from now on. Answered once it is kept, or at once if it is refused
    // or was taken before; how far it has come shows in snapshots.
    rpc<apply_status(apply_order)>>;

using scheduler_actor = caf::typed_actor<
    // A gateway makes itself known; it is sent `catalogue` and `engine_down` from then on.
    rpc<void(gateway_state, gateway_actor)>,
    // Demand and holdings of one shard. Always answered, grants may be empty.
    rpc<place_reply(place_request)>,
    // A node's full state; the first one makes it known.
    rpc<void(node_snapshot, node_actor)>,
    // An engine ended, sent before the snapshot that shows it.
    rpc<void(engine_down)>,
    // The whole cluster, for the operator door.
    rpc<cluster_status(caf::get_atom)>,
    // An operator's order, passed on to the node. Answered with how far it has come, so that asking
    // again is how one waits for its end.
    rpc<drain_status(drain_order)>,
    // An operator's order, passed on to the node, whose answer it is. Fails as `not_found` if there
    // is no such node.
    rpc<apply_status(apply_order)>,
    // A gateway heeds a `drain_notice`.
    rpc<void(drain_ack)>,
    // Content that was running when an engine crashed; every gateway is told a judgement of each.
    rpc<void(suspicion)>,
    // How a trial ended; every gateway is told the judgement.
    rpc<void(trial_result)>>;

}  // namespace coppice::proto

CAF_BEGIN_TYPE_ID_BLOCK(coppice_cluster, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::place_request))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::place_reply))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::node_snapshot))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::engine_down))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::catalogue))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::gateway_state))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::cluster_status))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::gateway_actor))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::node_actor))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::scheduler_actor))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::suspicion))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::trial_result))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::judgement))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::drain_order))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::drain_notice))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::drain_ack))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::drain_status))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::apply_order))
CAF_ADD_TYPE_ID(coppice_cluster, (coppice::proto::apply_status))
CAF_END_TYPE_ID_BLOCK(coppice_cluster)
