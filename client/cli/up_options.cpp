#include "client/cli/up_options.hpp"

#include "base/config_file.hpp"

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

/// The same as JSON; scalars stay text, which YAML reads as what it looks like.
json as_json(const YAML::Node& node) {
  if (!node.IsMap() && !node.IsSequence()) return node.as<std::string>("");
  auto out = node.IsMap() ? json::object() : json::array();
  for (const auto& each : node)
    if (node.IsMap())
      out[each.first.as<std::string>("")] = as_json(each.second);
    else
      out.push_back(as_json(each));
  return out;
}

void read_further_keys(config_map& map, const std::string& key, json& out) {
  const auto node = map.take(key);
  if (!node) return;
  if (!node.IsMap()) return map.reject(node, "'" + key + "' must be a map of settings");
  out = as_json(node);
}

}  // namespace

expected<void> read_config(up_options& options) {
  auto map = config_map::read(options.config);
  if (!map) return tl::unexpected(map.error());
  read_further_keys(*map, "gateway", options.gateway);
  read_further_keys(*map, "worker", options.worker);
  return map->optional("gateways", options.gateways, "a number")
      .optional("schedulers", options.schedulers, "a number")
      .optional("nodes", options.nodes, "a number")
      .optional("engines", options.engines, "a number")
      .optional("threads", options.threads, "a number")
      .optional("models", options.models, "a folder")
      .optional("serve", options.serve, "a list of NAME or NAME:VERSION")
      .optional("builtins", options.builtins, "a list of names")
      .optional("door", options.door, "a ZeroMQ endpoint")
      .optional("restart_cap_ms", options.restart_cap_ms, "a number")
      .finish();
}

}  // namespace coppice::cli
