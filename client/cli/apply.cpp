#include "client/cli/cluster.hpp"
#include "client/cli/cluster_file.hpp"
#include "client/cli/node_difference.hpp"
#include "client/cli/node_progress.hpp"
#include "client/cli/verbs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

constexpr duration look_every = 100ms;
constexpr duration look_limit = 3s;

struct apply_options {
  cluster_choice cluster;
  std::string file;
  bool wait = true, as_json = false;
  double timeout_s = 600;
};

using progress_by_node = std::map<std::string, node_progress>;

bool all_settled(const progress_by_node& all) {
  return std::ranges::none_of(
      all, [](const auto& each) { return each.second.at == node_progress::stage::waiting; });
}

bool all_converged(const progress_by_node& all) {
  return std::ranges::all_of(
      all, [](const auto& each) { return each.second.at == node_progress::stage::converged; });
}

/// Asks every node before any is changed. @error why one of them would not take it.
expected<void> ask_all(const apply_options& options, const apply_plan& plan) {
  for (const auto& [node, wanted] : plan.nodes) {
    const auto answer = order_apply(options.cluster, {node, wanted, true});
    if (!answer) return fail(answer.error().code, node + ": " + answer.error().message);
    if (!answer->refusal.empty())
      return fail(errc::invalid, answer->refusal + " Nothing was applied.");
  }
  return {};
}

expected<void> order_all(const apply_options& options, const apply_plan& plan) {
  for (const auto& [node, wanted] : plan.nodes)
    if (const auto answer = order_apply(options.cluster, {node, wanted, false}); !answer)
      return fail(answer.error().code,
                  node + ": " + answer.error().message +
                      " Apply the file again: nodes that have it take no notice.");
  return {};
}

/// Looks once, and says what is new. A cluster that does not answer for a moment changes nothing.
void look(const apply_options& options, std::uint64_t revision, progress_by_node& all) {
  const auto status = ask_status(options.cluster, look_limit);
  if (!status) return;
  for (auto& [node, progress] : all) {
    auto now_is = progress_of(*status, node, revision);
    if (now_is != progress && !options.as_json)
      std::fprintf(stderr, "%s: %s\n", node.c_str(), now_is.text.c_str());
    progress = std::move(now_is);
  }
}

progress_by_node wait_for_all(const apply_options& options, const apply_plan& plan,
                              std::uint64_t revision) {
  progress_by_node all;
  for (const auto& [node, wanted] : plan.nodes) all[node];
  const auto end = now() + std::chrono::duration_cast<duration>(
                               std::chrono::duration<double>(options.wait ? options.timeout_s : 0));
  look(options, revision, all);
  while (!all_settled(all) && now() < end) {
    std::this_thread::sleep_for(look_every);
    look(options, revision, all);
  }
  return all;
}

void print_json(const apply_plan& plan, std::uint64_t revision, const progress_by_node& all) {
  json nodes = json::array();
  for (const auto& [node, progress] : all)
    nodes.push_back({{"name", node}, {"state", stage_name(progress.at)}, {"text", progress.text}});
  const json out{{"revision", revision},
                 {"nodes", nodes},
                 {"absent", plan.absent},
                 {"not_in_file", plan.untouched}};
  std::printf("%s\n", out.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

void print(const apply_options& options, const apply_plan& plan, const progress_by_node& all) {
  for (const auto& [node, progress] : all)
    if (options.wait && progress.at == node_progress::stage::waiting)
      std::fprintf(stderr, "%s: not within %g s; it goes on without this command\n", node.c_str(),
                   options.timeout_s);
  for (const auto& each : plan.absent)
    std::fprintf(stderr, "%s: not in the cluster now; apply again when it is\n", each.c_str());
}

int carry_out(const apply_options& options, const cluster_file& file) {
  const auto status = ask_status(options.cluster, look_limit);
  if (!status) return report(status.error());
  const auto plan = plan_for(file, nodes_of(*status));
  if (auto asked = ask_all(options, plan); !asked) return report(asked.error());
  if (auto ordered = order_all(options, plan); !ordered) return report(ordered.error());
  const auto all = wait_for_all(options, plan, file.revision);
  if (options.as_json) print_json(plan, file.revision, all);
  print(options, plan, all);
  const bool failed = std::ranges::any_of(
      all, [](const auto& each) { return each.second.at == node_progress::stage::failed; });
  if (failed || !plan.absent.empty()) return exit_failure;
  return options.wait && !all_converged(all) ? exit_failure : 0;
}

int run(apply_options& options) {
  const auto file = read_cluster_file(options.file);
  if (!file) return report_usage(file.error());
  if (auto known = options.cluster.resolve_operator(); !known) return report_usage(known.error());
  return carry_out(options, *file);
}

}  // namespace

void add_apply(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand(
      "apply", "Gives nodes what they are to serve, by a revision that only grows");
  auto options = std::make_shared<apply_options>();
  options->cluster.add_options(*verb);
  verb->add_option("FILE", options->file, "The cluster's desired state, cluster.yml")->required();
  verb->add_flag("--wait,!--no-wait", options->wait,
                 "Wait until every node has converged (the default); --no-wait: only order it");
  verb->add_option("--timeout", options->timeout_s, "Longest wait, seconds")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->footer(
      "Exit codes: 0 every node has converged (or, with --no-wait, has taken it); 1 a node "
      "failed, is not in the cluster or was not done in time; 2, 3 and 4 as for other verbs.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
