#pragma once

#include "proto/contracts/cluster.hpp"
#include "worker/node/local_messages.hpp"

#include <caf/fwd.hpp>
#include <caf/typed_actor.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace coppice::worker {

/// What a node leaves to others because it waits for the disk. A node that waited would be silent.
using revision_store = caf::typed_actor<
    // Writes the record for good.
    proto::rpc<void(keep_record)>,
    // Opens the models of a revision, and verifies them if the node has trusted keys.
    proto::rpc<void(open_models)>>;

/// Called on the store's thread, once for each message.
struct revision_store_events {
  std::function<void(record_kept)> kept;
  std::function<void(models_opened)> opened;
};

/// Spawns the store, on a thread of its own. @param file  of the node's record.
/// @param trusted  as for `open_model_set`.
revision_store spawn_revision_store(caf::actor_system& system, std::filesystem::path file,
                                    std::vector<std::string> trusted, revision_store_events events);

}  // namespace coppice::worker
