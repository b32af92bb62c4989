#include "client/cli/cluster.hpp"
#include "client/cli/cluster_file.hpp"
#include "client/cli/node_difference.hpp"
#include "client/cli/node_progress.hpp"
#include "client/cli/verbs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

constexpr duration status_limit = 3s;

struct diff_options {
  cluster_choice cluster;
  std::string file;
  bool as_json = false;
};

struct found_differences {
  std::vector<node_difference> nodes;
  apply_plan plan;

  [[nodiscard]] bool any() const {
    return !plan.absent.empty() || !std::ranges::all_of(nodes, &node_difference::is_none);
  }
};

expected<found_differences> look(const diff_options& options, const cluster_file& file) {
  const auto status = ask_status(options.cluster, status_limit);
  if (!status) return tl::unexpected(status.error());
  found_differences out{{}, plan_for(file, nodes_of(*status))};
  for (const auto& [node, wanted] : out.plan.nodes) {
    const auto answer = order_apply(options.cluster, {node, wanted, true});
    if (!answer) return tl::unexpected(answer.error());
    out.nodes.push_back(difference(*answer, wanted));
  }
  return out;
}

void print(const found_differences& found) {
  for (const auto& each : found.nodes) std::fputs(as_text(each).c_str(), stdout);
  for (const auto& each : found.plan.absent)
    std::printf("%s  not in the cluster now\n", each.c_str());
  for (const auto& each : found.plan.untouched)
    std::printf("%s  not in the file, stays as it is\n", each.c_str());
}

void print_json(const cluster_file& file, const found_differences& found) {
  json nodes = json::array();
  for (const auto& each : found.nodes) nodes.push_back(as_json(each));
  const json out{{"revision", file.revision},
                 {"differs", found.any()},
                 {"nodes", nodes},
                 {"absent", found.plan.absent},
                 {"not_in_file", found.plan.untouched}};
  std::printf("%s\n", out.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

int run(diff_options& options) {
  const auto file = read_cluster_file(options.file);
  if (!file) return report_usage(file.error());
  if (auto known = options.cluster.resolve_operator(); !known) return report_usage(known.error());
  const auto found = look(options, *file);
  if (!found) return report(found.error());
  options.as_json ? print_json(*file, *found) : print(*found);
  return found->any() ? exit_failure : 0;
}

}  // namespace

void add_diff(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand(
      "diff", "Shows what 'apply' would change: revisions, models added (+) and removed (-)");
  auto options = std::make_shared<diff_options>();
  options->cluster.add_options(*verb);
  verb->add_option("FILE", options->file, "The cluster's desired state, cluster.yml")->required();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->footer("Exit codes: 0 no difference, 1 a difference; 2, 3 and 4 as for other verbs.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
