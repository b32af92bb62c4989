#pragma once

#include "proto/messages/client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The cluster's desired state as it reaches one node: an operator's revision, and the answer.
namespace coppice::proto {

/// What one node is to serve. At most `max_desired_bytes` encoded.
struct desired_state {
  /// The cluster's, which only grows; 0: what the node's own configuration says.
  std::uint64_t revision = 0;
  /// Folder of the model repository on the node's machine; empty: built-in models only.
  std::string models;
  /// NAME or NAME:VERSION of the repository; none: all of it.
  std::vector<std::string> serve;
  std::vector<std::string> builtins;

  static constexpr auto fields() {
    return std::tuple{
        field{"revision", &desired_state::revision}, field{"models", &desired_state::models},
        field{"serve", &desired_state::serve}, field{"builtins", &desired_state::builtins}};
  }
  friend bool operator==(const desired_state&, const desired_state&) = default;
};

/// Whether both say the same but for the number.
[[nodiscard]] inline bool same_content(const desired_state& a, const desired_state& b) {
  return a.models == b.models && a.serve == b.serve && a.builtins == b.builtins;
}

/// Operator's order, passed from gateway to scheduler to node: serve that from now on.
struct apply_order {
  std::string node;
  desired_state desired;
  /// Nothing is ordered: the node tells what it serves and whether it would take the order.
  bool only_ask = false;

  static constexpr auto fields() {
    return std::tuple{field{"node", &apply_order::node}, field{"desired", &apply_order::desired},
                      field{"only_ask", &apply_order::only_ask}};
  }
};

/// How a node stands to its desired state.
struct apply_status {
  std::string node;
  /// What it serves: the revision to which it converged last.
  desired_state current;
  /// The last one that it took.
  desired_state target;
  /// As in `node_snapshot`.
  std::string convergence;
  std::string convergence_reason;
  /// Of `only_ask`: the sentence with which it would refuse the order; empty: it would take it.
  std::string refusal;
  /// Why the order was refused, or that there is no such node.
  std::optional<error_body> error;

  static constexpr auto fields() {
    return std::tuple{field{"node", &apply_status::node},
                      field{"current", &apply_status::current},
                      field{"target", &apply_status::target},
                      field{"convergence", &apply_status::convergence},
                      field{"convergence_reason", &apply_status::convergence_reason},
                      field{"refusal", &apply_status::refusal},
                      field{"error", &apply_status::error}};
  }
};

}  // namespace coppice::proto
