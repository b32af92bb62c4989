#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"
#include "client/client.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct status_options {
  cluster_choice cluster;
  bool tree = false, watch = false, as_json = false;
};

std::uint64_t rows_in_flight(const proto::engine_state& engine) {
  std::uint64_t rows = 0;
  for (const auto& load : engine.loads) rows += load.running_rows + load.queued_rows;
  return rows;
}

json as_json(const std::vector<attempt_id>& attempts) {
  json out = json::array();
  for (const auto each : attempts) out.push_back(fmt::format("{:016x}", each.value));
  return out;
}

json as_json(const std::vector<proto::restart_note>& history) {
  json out = json::array();
  for (const auto& note : history)
    out.push_back({{"ago_ms", note.ago_ms},
                   {"cause", note.cause},
                   {"reason", note.reason},
                   {"signal", note.signal},
                   {"exit_status", note.exit_status},
                   {"suspects", as_json(note.suspects)}});
  return out;
}

json as_json(const proto::engine_state& engine) {
  std::vector<std::string> models;
  for (const auto& card : engine.models)
    models.push_back(card.name + ":" + std::to_string(card.version));
  return {{"name", engine.name},
          {"device", engine.device},
          {"pid", engine.pid},
          {"incarnation", fmt::format("{:016x}", engine.incarnation.value)},
          {"verdict", engine.verdict},
          {"verdict_reason", engine.verdict_reason},
          {"capacity_percent", engine.capacity_percent},
          {"restarts", engine.restarts},
          {"last_reason", engine.last_reason},
          {"up_for_ms", engine.up_for_ms},
          {"strategy", engine.strategy},
          {"group", engine.group},
          {"revision", engine.revision},
          {"history", as_json(engine.history)},
          {"models", models},
          {"in_flight", rows_in_flight(engine)}};
}

json as_json(const proto::cluster_status& status) {
  json out{{"scheduler", {{"name", status.scheduler}, {"pid", status.scheduler_pid}}},
           {"gateways", json::array()},
           {"nodes", json::array()},
           {"warnings", status.warnings}};
  for (const auto& gateway : status.gateways)
    out["gateways"].push_back({{"name", gateway.name},
                               {"pid", gateway.pid},
                               {"endpoint", gateway.endpoint},
                               {"metrics", gateway.metrics_url},
                               {"refused", gateway.refused},
                               {"retried", gateway.retried},
                               {"fenced", gateway.fenced}});
  for (const auto& node : status.nodes) {
    json workers = json::array();
    for (const auto& engine : node.engines)
      workers.push_back({{"name", engine.name}, {"engines", json::array({as_json(engine)})}});
    out["nodes"].push_back({{"name", node.node},
                            {"pid", node.pid},
                            {"verdict", node.verdict},
                            {"verdict_reason", node.verdict_reason},
                            {"metrics", node.metrics_url},
                            {"revision", node.revision},
                            {"target_revision", node.target_revision},
                            {"convergence", node.convergence},
                            {"convergence_reason", node.convergence_reason},
                            {"workers", workers}});
  }
  return out;
}

std::string seconds(std::uint64_t ms) {
  return fmt::format("{:.1f} s", static_cast<double>(ms) / 1e3);
}

std::string strategy_text(const proto::engine_state& engine) {
  return engine.group.empty() ? engine.strategy : engine.strategy + " in " + engine.group;
}

std::string engine_text(const proto::engine_state& engine) {
  auto out = fmt::format("engine {}  {}  pid {}  {}  restarts {}  in flight {}", engine.name,
                         engine.device, engine.pid, engine.verdict, engine.restarts,
                         rows_in_flight(engine));
  if (engine.revision > 0) out += fmt::format("  revision {}", engine.revision);
  return engine.up_for_ms == 0 ? out : out + "  up for " + seconds(engine.up_for_ms);
}

/// Nothing for a node that was never given one.
std::string revision_text(const proto::node_snapshot& node) {
  if (node.target_revision == 0) return "";
  auto out = fmt::format("  revision {}", node.revision);
  if (node.convergence == "converging")
    out += fmt::format(", converging to {}", node.target_revision);
  if (node.convergence == "failed") out += fmt::format(", {} failed", node.target_revision);
  return out;
}

std::string load_text(const proto::engine_state& engine, const proto::model_card& card) {
  for (const auto& load : engine.loads)
    if (load.model == card.name && load.version == card.version)
      return fmt::format("  completed {}  failed {}  refused {}", load.completed, load.failed,
                         load.refused);
  return "";
}

/// What `--tree` says below an engine: its models, then its ends, newest first.
std::string details(const proto::engine_state& engine, const std::string& indent) {
  std::string out;
  if (!engine.verdict_reason.empty())
    out += fmt::format("{}{} because: {}\n", indent, engine.verdict, engine.verdict_reason);
  if (engine.verdict == "probation")
    out += fmt::format("{}gets {} % of its rows\n", indent, engine.capacity_percent);
  for (const auto& card : engine.models)
    out +=
        fmt::format("{}model {}:{}{}\n", indent, card.name, card.version, load_text(engine, card));
  if (!engine.last_reason.empty())
    out += fmt::format("{}last reason: {}\n", indent, engine.last_reason);
  for (const auto& note : engine.history) {
    out += fmt::format("{}{} ago  {}: {}", indent, seconds(note.ago_ms), note.cause, note.reason);
    if (!note.suspects.empty()) out += fmt::format("  suspects {}", note.suspects.size());
    out += '\n';
  }
  return out;
}

std::string as_text(const proto::node_snapshot& node, bool tree) {
  const auto up = std::ranges::count(node.engines, "up", &proto::engine_state::verdict);
  auto out = fmt::format("├─ node {}  pid {}  {}  {} of {} engines up{}\n", node.node, node.pid,
                         node.verdict, up, node.engines.size(), revision_text(node));
  if (tree && !node.verdict_reason.empty()) out += "│  " + node.verdict_reason + "\n";
  if (tree && !node.convergence_reason.empty())
    out +=
        fmt::format("│  revision {} failed: {}\n", node.target_revision, node.convergence_reason);
  for (const auto& engine : node.engines) {
    if (!tree) {
      out += "│  └─ " + engine_text(engine) + "\n";
      continue;
    }
    out += fmt::format("│  ├─ worker {}  {}\n", engine.name, strategy_text(engine));
    out += "│  │  └─ " + engine_text(engine) + "\n" + details(engine, "│  │     ");
  }
  return out;
}

std::string as_text(const proto::cluster_status& status, bool tree) {
  auto out = fmt::format("scheduler {}  pid {}\n", status.scheduler, status.scheduler_pid);
  for (const auto& warning : status.warnings) out += "WARNING " + warning + "\n";
  for (const auto& gateway : status.gateways) {
    out += fmt::format("├─ gateway {}  pid {}  {}\n", gateway.name, gateway.pid, gateway.endpoint);
    if (tree)
      out += fmt::format("│  requests refused {}  attempts placed again {}  replies fenced {}\n",
                         gateway.refused, gateway.retried, gateway.fenced);
  }
  for (const auto& node : status.nodes) out += as_text(node, tree);
  return out;
}

/// Without an operator door: what the clients' door says.
int client_status(const status_options& options) {
  client::client asking{options.cluster.client()};
  proto::request header;
  header.op = "status";
  const auto reply = asking.call(header);
  if (!reply) return report(reply.error());
  json out = json::array();
  for (const auto& model : reply->status) {
    out.push_back({{"model", model.name}, {"versions", model.versions}, {"ready", model.ready}});
    if (!options.as_json)
      std::printf("%-24s %s\n", model.name.c_str(), model.ready ? "ready" : "not ready");
  }
  if (options.as_json) std::printf("%s\n", json{{"models", out}}.dump(2).c_str());
  return 0;
}

int operator_status(const status_options& options) {
  const auto status = ask_status(options.cluster, 3s);
  if (!status) return report(status.error());
  if (options.watch) std::printf("\033[H\033[2J");
  const auto text =
      options.as_json ? as_json(*status).dump(2) + "\n" : as_text(*status, options.tree);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  return 0;
}

int run(status_options& options) {
  if (auto known = options.cluster.resolve(); !known) return report_usage(known.error());
  if (options.cluster.operator_door.empty()) return client_status(options);
  int code = operator_status(options);
  while (options.watch && code == 0) {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    code = operator_status(options);
  }
  return code;
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("status", "Shows nodes, workers and engines");
  auto options = std::make_shared<status_options>();
  options->cluster.add_options(*verb);
  verb->add_flag("--tree", options->tree,
                 "With models, strategies and why engines ended, the last times they did");
  verb->add_flag("--watch", options->watch, "Again every second, until Ctrl-C");
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
