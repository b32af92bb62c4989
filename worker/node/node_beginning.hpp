#pragma once

#include "base/error.hpp"
#include "worker/node/model_set.hpp"
#include "worker/node/node_options.hpp"
#include "worker/node/revision_record.hpp"

namespace coppice::worker {

/// What a node starts from.
struct node_beginning {
  revision_record record;
  /// Of the record's `current`.
  shared_model_set models;
};

/// What the node kept of its desired state, or else what its configuration says, with the models
/// opened. A node that was on its way to a target starts from where it came from.
/// @error as `read_revision_record` and `open_model_set`.
[[nodiscard]] expected<node_beginning> find_beginning(const node_options& options);

}  // namespace coppice::worker
