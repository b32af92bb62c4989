#pragma once

#include "client/cli/cluster_file.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <string>

namespace coppice::cli {

/// How far a node has come with a revision that it was given.
struct node_progress {
  enum class stage { waiting, converged, failed };
  stage at = stage::waiting;
  /// What the node does, or why it will not come to it: a clause without the node's name.
  std::string text;

  friend bool operator==(const node_progress&, const node_progress&) = default;
};

/// "waiting", "converged" or "failed".
[[nodiscard]] std::string stage_name(node_progress::stage of);

/// Which nodes there are.
[[nodiscard]] known_nodes nodes_of(const proto::cluster_status& cluster);

/// As a scheduler sees it. A node that cannot be seen may come back: it is waited for.
[[nodiscard]] node_progress progress_of(const proto::cluster_status& cluster,
                                        const std::string& node, std::uint64_t revision);

}  // namespace coppice::cli
