#pragma once

#include "base/metrics.hpp"
#include "proto/contracts/cluster.hpp"
#include "worker/node/local_messages.hpp"
#include "worker/node/node_beginning.hpp"
#include "worker/node/node_look.hpp"
#include "worker/node/node_options.hpp"

#include <caf/fwd.hpp>

#include <string>

namespace coppice::worker {

/// What the node actor hears from inside its process, on top of its public interface.
using node_self = proto::node_actor::extend<
    // What happens to the engine process of a worker.
    proto::rpc<void(engine_started)>, proto::rpc<void(engine_reported)>,
    proto::rpc<void(engine_quiet)>, proto::rpc<void(engine_ended)>,
    // What its store has done for it.
    proto::rpc<void(record_kept)>, proto::rpc<void(models_opened)>,
    // A scheduler can be reached, and its rank among those configured.
    proto::rpc<void(proto::scheduler_actor, std::uint32_t)>,
    // The scheduler of that rank is gone.
    proto::rpc<void(std::uint32_t, bool)>,
    // Time for a snapshot.
    proto::rpc<void(caf::tick_atom)>,
    // An engine may be due, or the node's end.
    proto::rpc<void(supervise)>,
    // Drain, then end with `exit_reason::user_shutdown`.
    proto::rpc<void(stop_node)>,
    // What it does.
    proto::rpc<node_look(caf::get_atom)>>;

/// Spawns the node actor and its worker actors, two for each place: the worker process's tree. It
/// ends with `exit_reason::user_shutdown` when it was asked to; any other reason means that this
/// level gave up, and only a fresh process helps. `registry` outlives the system.
node_self spawn_node(caf::actor_system& system, node_options options, std::string metrics_url,
                     metrics& registry, node_beginning from);

}  // namespace coppice::worker
