#pragma once

#include "base/error.hpp"
#include "proto/messages/desired.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace coppice::cli {

/// The cluster's desired state, as `cluster.yml` says it. Each state has the file's revision.
struct cluster_file {
  static constexpr std::uintmax_t most_bytes = 1u << 20;
  static constexpr std::size_t most_nodes = 4096;

  std::uint64_t revision = 0;
  std::map<std::string, proto::desired_state> nodes;
  /// `default`: of nodes that `nodes` does not name; none: they stay as they are.
  std::optional<proto::desired_state> others;
};

/// @error `invalid`, as "file:line: problem. remedy."
[[nodiscard]] expected<cluster_file> read_cluster_file(const std::filesystem::path& file);

/// The nodes of a cluster by their names: those that can be given orders, and those that are dead.
struct known_nodes {
  std::vector<std::string> alive, dead;
};

/// What the file means for the nodes that a cluster has.
struct apply_plan {
  std::map<std::string, proto::desired_state> nodes;
  /// The file speaks of them, and they are dead or not known to the cluster.
  std::vector<std::string> absent;
  /// The file does not speak of them.
  std::vector<std::string> untouched;
};
[[nodiscard]] apply_plan plan_for(const cluster_file& file, const known_nodes& known);

}  // namespace coppice::cli
