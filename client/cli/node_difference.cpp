#include "client/cli/node_difference.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <set>

namespace coppice::cli {

namespace {

std::set<std::string> served(const proto::desired_state& state) {
  std::set<std::string> names{state.serve.begin(), state.serve.end()};
  if (!state.models.empty() && state.serve.empty()) names.insert("all of " + state.models);
  names.insert(state.builtins.begin(), state.builtins.end());
  return names;
}

std::vector<std::string> without(const std::set<std::string>& all,
                                 const std::set<std::string>& these) {
  std::vector<std::string> rest;
  std::ranges::set_difference(all, these, std::back_inserter(rest));
  return rest;
}

std::string refusal_of(const proto::apply_status& node, const proto::desired_state& wanted) {
  if (node.convergence != "failed" || node.target.revision != wanted.revision) return node.refusal;
  if (!node.refusal.empty()) return node.refusal;
  return "Revision " + std::to_string(wanted.revision) +
         " failed there: " + node.convergence_reason + ". Raise 'revision' to try it again.";
}

std::string or_none(const std::string& folder) { return folder.empty() ? "none" : folder; }

}  // namespace

bool node_difference::is_none() const noexcept {
  return revision == wanted && models_before == models_after && added.empty() && removed.empty() &&
         refusal.empty();
}

node_difference difference(const proto::apply_status& node, const proto::desired_state& wanted) {
  const auto& has = node.convergence == "failed" ? node.current : node.target;
  const auto before = served(has), after = served(wanted);
  return {node.node,     has.revision,           wanted.revision,        has.models,
          wanted.models, without(after, before), without(before, after), refusal_of(node, wanted)};
}

std::string as_text(const node_difference& of) {
  auto out = of.node + "  revision " + std::to_string(of.revision);
  if (of.is_none()) return out + ", no difference\n";
  if (of.revision != of.wanted) out += " -> " + std::to_string(of.wanted);
  out += '\n';
  for (const auto& each : of.removed) out += "  - " + each + "\n";
  for (const auto& each : of.added) out += "  + " + each + "\n";
  if (of.models_before != of.models_after)
    out += "  models " + or_none(of.models_before) + " -> " + or_none(of.models_after) + "\n";
  if (!of.refusal.empty()) out += "  ! " + of.refusal + "\n";
  return out;
}

nlohmann::ordered_json as_json(const node_difference& of) {
  return {{"name", of.node},
          {"revision", of.revision},
          {"target", of.wanted},
          {"models", {{"before", of.models_before}, {"after", of.models_after}}},
          {"added", of.added},
          {"removed", of.removed},
          {"refusal", of.refusal},
          {"differs", !of.is_none()}};
}

}  // namespace coppice::cli
