#pragma once

#include "worker/node/engine_process.hpp"
#include "worker/node/local_messages.hpp"
#include "worker/node/node_actor.hpp"
#include "worker/node/node_options.hpp"

#include <caf/typed_actor.hpp>

namespace coppice::worker {

/// One for each engine process that a place may hold: owns it, starts and stops it as the node
/// says. The process's watch tells the node itself what happens to it: a death takes no way round
/// by this actor.
using worker_actor = caf::typed_actor<proto::rpc<void(start_engine)>, proto::rpc<void(stop_engine)>,
                                      // Its watch has nothing left to do.
                                      proto::rpc<void(engine_ended)>>;

/// @param k  as the roster counts engines. @param times  shared by the engines of the node.
worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node, shared_step_times times = make_step_times());

}  // namespace coppice::worker
