#include "client/cli/cluster_file.hpp"

#include "base/config_file.hpp"
#include "proto/codec/codec.hpp"

#include <set>

namespace coppice::cli {

namespace {

/// What a node could be given, but no engine can be started with.
std::optional<std::string> problem_of(const proto::desired_state& state) {
  if (state.models.empty() && state.builtins.empty())
    return "a node must serve something: name 'models' or 'builtins'; 'coppice drain' takes a node "
           "out of service";
  if (!state.models.empty() && !state.models.starts_with('/'))
    return "'models' must be an absolute path: it is looked up on the node's machine";
  if (state.models.empty() && !state.serve.empty())
    return "'serve' names models of a repository, and there is no 'models'";
  if (state.models.size() > proto::max_path_bytes)
    return "'models' is longer than " + std::to_string(proto::max_path_bytes) + " bytes";
  if (proto::encode(state).size() > proto::max_desired_bytes)
    return "it takes more than " + std::to_string(proto::max_desired_bytes) +
           " bytes; leave 'serve' out to serve all of a folder";
  return std::nullopt;
}

expected<proto::desired_state> read_state(config_map map, std::uint64_t revision) {
  proto::desired_state state;
  state.revision = revision;
  map.optional("models", state.models, "a folder")
      .optional("serve", state.serve, "a list of NAME or NAME:VERSION")
      .optional("builtins", state.builtins, "a list of echo, sleep, crash, hang, flip, count");
  if (auto done = map.finish(); !done) return tl::unexpected(done.error());
  const auto problem = problem_of(state);
  if (!problem) return state;
  map.reject("", *problem);
  return tl::unexpected(map.finish().error());
}

std::optional<std::string> problem_of_name(const std::string& node, const cluster_file& so_far) {
  if (node.empty() || node.size() > proto::max_name_bytes || node.find('/') != std::string::npos)
    return "a node's name has 1 to " + std::to_string(proto::max_name_bytes) + " bytes and no '/'";
  if (so_far.nodes.contains(node)) return "'" + node + "' stands there twice";
  if (so_far.nodes.size() == cluster_file::most_nodes)
    return "there are more than " + std::to_string(cluster_file::most_nodes) + " nodes";
  return std::nullopt;
}

expected<void> read_nodes(config_map nodes, cluster_file& out) {
  for (auto& [name, section] : nodes.sections()) {
    if (const auto problem = problem_of_name(name, out)) section.reject("", *problem);
    auto state = read_state(std::move(section), out.revision);
    if (!state) return tl::unexpected(state.error());
    out.nodes[name] = std::move(*state);
  }
  return nodes.finish();
}

}  // namespace

expected<cluster_file> read_cluster_file(const std::filesystem::path& file) {
  auto map = config_map::read(file, cluster_file::most_bytes);
  if (!map) return tl::unexpected(map.error());
  cluster_file out;
  map->optional("revision", out.revision, "a whole number from 1");
  if (out.revision == 0)
    map->reject("revision", "'revision' must be a whole number from 1; raise it with every change");
  auto nodes = map->section("nodes"), others = map->section("default");
  if (!map->has("nodes") && !map->has("default"))
    map->reject("nodes", "the file names no node; give it 'nodes' or 'default'");
  if (auto done = map->finish(); !done) return tl::unexpected(done.error());
  if (map->has("default")) {
    auto state = read_state(std::move(others), out.revision);
    if (!state) return tl::unexpected(state.error());
    out.others = std::move(*state);
  }
  if (auto done = read_nodes(std::move(nodes), out); !done) return tl::unexpected(done.error());
  return out;
}

apply_plan plan_for(const cluster_file& file, const known_nodes& known) {
  apply_plan plan;
  const auto wanted = [&](const std::string& node) -> const proto::desired_state* {
    const auto named = file.nodes.find(node);
    if (named != file.nodes.end()) return &named->second;
    return file.others ? &*file.others : nullptr;
  };
  std::set<std::string> absent;
  for (const auto& [node, state] : file.nodes) absent.insert(node);
  for (const auto& node : known.dead)
    if (wanted(node) != nullptr) absent.insert(node);
  for (const auto& node : known.alive) {
    absent.erase(node);
    if (const auto* state = wanted(node))
      plan.nodes[node] = *state;
    else
      plan.untouched.push_back(node);
  }
  plan.absent.assign(absent.begin(), absent.end());
  return plan;
}

}  // namespace coppice::cli
