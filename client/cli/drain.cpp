#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <thread>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

constexpr duration ask_every = 100ms;
constexpr duration ask_limit = 3s;

struct drain_options {
  cluster_choice cluster;
  proto::drain_order order;
  double wait_s = 60;
  bool as_json = false;
};

bool is_done(const drain_options& options, const proto::drain_status& status) {
  return status.state == (options.order.drain ? "drained" : "serving");
}

/// One line: how far it has come and what it waits for.
std::string progress(const drain_options& options, const proto::drain_status& status) {
  auto line = options.order.target + ": " + status.state;
  if (is_done(options, status)) return line;
  if (status.waiting_for.empty()) return line + "; waits for its worker to heed the order";
  line += "; waits for ";
  for (const auto& each : status.waiting_for)
    line += (&each == status.waiting_for.data() ? "" : "; ") + each;
  return line;
}

/// Orders again and again, which tells how far it has come, until it is done or time is up.
/// A cluster that does not answer for a moment is asked again.
expected<proto::drain_status> wait_for_end(const drain_options& options) {
  const auto end =
      now() + std::chrono::duration_cast<duration>(std::chrono::duration<double>(options.wait_s));
  std::string said;
  for (;;) {
    auto status = order_drain(options.cluster.operator_door, options.order, ask_limit);
    const bool may_change =
        status ? !is_done(options, *status) : status.error().code == errc::unavailable;
    if (!may_change || now() >= end) return status;
    const auto line = status ? progress(options, *status) : status.error().message;
    if (!options.as_json && line != said) std::fprintf(stderr, "%s\n", line.c_str());
    said = line;
    std::this_thread::sleep_for(ask_every);
  }
}

int run(drain_options& options) {
  if (auto known = options.cluster.resolve_operator(); !known) return report_usage(known.error());
  const auto status = wait_for_end(options);
  if (!status) return report(status.error());
  const json out{
      {"target", status->target}, {"state", status->state}, {"waiting_for", status->waiting_for}};
  std::printf("%s\n", options.as_json ? out.dump(2).c_str() : progress(options, *status).c_str());
  return is_done(options, *status) ? 0 : exit_failure;
}

void add(CLI::App& app, int& exit_code, bool drain, const std::string& name,
         const std::string& help) {
  auto* verb = app.add_subcommand(name, help);
  auto options = std::make_shared<drain_options>();
  options->order.drain = drain;
  options->cluster.add_options(*verb);
  verb->add_option("target", options->order.target, "NODE or NODE/engine-K")->required();
  verb->add_option("--wait", options->wait_s, "Seconds to wait for the end; 0: only order it")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace

void add_drain(CLI::App& app, int& exit_code) {
  add(app, exit_code, true, "drain", "Takes a node or an engine out of service, without a loss");
}

void add_undrain(CLI::App& app, int& exit_code) {
  add(app, exit_code, false, "undrain", "Takes it back into service");
}

}  // namespace coppice::cli
