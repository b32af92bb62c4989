#pragma once

#include "worker/node/local_messages.hpp"
#include "worker/node/node_actor.hpp"
#include "worker/node/node_options.hpp"

#include <caf/typed_actor.hpp>

namespace coppice::worker {

/// One per device: owns its engine process, starts it again after it ends, with back-off, until
/// the restart limit quarantines it. Tells the node of every change.
using worker_actor =
    caf::typed_actor<proto::rpc<void(start_engine)>, proto::rpc<void(engine_started)>,
                     proto::rpc<void(engine_reported)>, proto::rpc<void(engine_ended)>>;

worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node);

}  // namespace coppice::worker
