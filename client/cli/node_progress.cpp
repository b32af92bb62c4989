#include "client/cli/node_progress.hpp"

#include "proto/messages/engine_name.hpp"

#include <algorithm>
#include <set>

namespace coppice::cli {

namespace {

using stage = node_progress::stage;

/// "1 of 2 engines have revision 5".
std::string engines_with(const proto::node_snapshot& node, std::uint64_t revision) {
  std::set<std::string_view> places, have;
  for (const auto& engine : node.engines) {
    const auto place = proto::place_of(engine.name);
    places.insert(place);
    if (engine.revision == revision && engine.up_for_ms > 0) have.insert(place);
  }
  return std::to_string(have.size()) + " of " + std::to_string(places.size()) +
         " engines have revision " + std::to_string(revision);
}

}  // namespace

std::string stage_name(stage of) {
  if (of == stage::waiting) return "waiting";
  return of == stage::converged ? "converged" : "failed";
}

known_nodes nodes_of(const proto::cluster_status& cluster) {
  known_nodes all;
  for (const auto& node : cluster.nodes)
    (node.verdict == "dead" ? all.dead : all.alive).push_back(node.node);
  return all;
}

node_progress progress_of(const proto::cluster_status& cluster, const std::string& node,
                          std::uint64_t revision) {
  const auto found = std::ranges::find(cluster.nodes, node, &proto::node_snapshot::node);
  if (found == cluster.nodes.end()) return {stage::waiting, "not known to the scheduler now"};
  const auto number = std::to_string(revision);
  if (found->target_revision > revision)
    return {stage::failed,
            "was given revision " + std::to_string(found->target_revision) + " meanwhile"};
  if (found->verdict == "dead") return {stage::waiting, "dead: " + found->verdict_reason};
  if (found->target_revision < revision)
    return {stage::waiting, "has not shown revision " + number + " yet"};
  if (found->convergence == "failed")
    return {stage::failed, "revision " + number + " failed: " + found->convergence_reason};
  if (found->convergence == "converged")
    return {stage::converged, "converged to revision " + number};
  return {stage::waiting, "converging, " + engines_with(*found, revision)};
}

}  // namespace coppice::cli
