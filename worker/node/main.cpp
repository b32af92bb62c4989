#include "actors/system.hpp"
#include "base/ready_file.hpp"
#include "base/stop_signal.hpp"
#include "worker/node/node_actor.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;
/// The node gave up; a fresh process is the next level.
constexpr int exit_gave_up = 75;
constexpr int exit_config = 78;
constexpr auto settle_period = std::chrono::milliseconds{10};

int report(const error& failure) {
  std::fprintf(stderr, "coppice-worker: %s\n", failure.message.c_str());
  const bool bad = failure.code == errc::invalid || failure.code == errc::forbidden;
  return bad ? exit_config : exit_failure;
}

std::string beside_this_program(const char* name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

expected<std::string> serve_metrics(metrics& registry, const std::string& endpoint) try {
  const auto where = actors::split_endpoint(endpoint);
  if (!where) return tl::unexpected(where.error());
  registry
      .gauge("coppice_build_info", "1, with the version of this build.",
             {{"version", COPPICE_VERSION}})
      .Set(1);
  return registry.serve(where->first, where->second) + "/metrics";
} catch (const std::exception& failure) {
  return fail(errc::unavailable, "Metrics cannot listen on " + endpoint + ": " + failure.what());
}

/// Writes the ready file once every engine is up or given up; ends early when `stop` asks.
void announce(caf::actor_system& system, const node_self& node, const std::string& ready_file,
              const nlohmann::ordered_json& ready, std::stop_token stop) {
  caf::scoped_actor self{system};
  bool settled = false;
  while (!settled && !stop.stop_requested()) {
    self->request(node, std::chrono::seconds{5}, caf::get_atom::value)
        .receive([&](bool yes) { settled = yes; }, [&](caf::error&) {});
    if (!settled) std::this_thread::sleep_for(settle_period);
  }
  if (!settled) return;
  log(log_level::info, "ready");
  if (!ready_file.empty())
    if (auto written = write_atomically(ready_file, ready.dump() + "\n"); !written)
      log(log_level::error, "ready_file_failed", {kv("reason", written.error().message)});
}

/// The first signal drains and stops, the second ends at once: the engines die with their worker.
/// Lives as long as the process.
void watch_signals(const node_self& node) {
  std::thread{[node] {
    wait_for_stop_signal();
    caf::anon_send(node, stop_node{});
    wait_for_stop_signal();
    ::_exit(exit_failure);
  }}.detach();
}

/// Waits for the node's end. @returns its reason.
caf::error await_end(caf::actor_system& system, const node_self& node) {
  caf::scoped_actor self{system};
  self->monitor(node);
  caf::error reason;
  self->receive([&](const caf::down_msg& down) { reason = down.reason; });
  return reason;
}

/// Null if nothing says that models must be signed.
expected<std::shared_ptr<const verified_models>> open_models(node_options& options) {
  if (options.trusted_keys.empty()) return nullptr;
  auto models = verified_models::open(options.models, options.trusted_keys);
  if (!models) return tl::unexpected(models.error());
  log(log_level::info, "models_verified",
      {kv("folder", options.models), kv("files", models->files().size())});
  options.models = models->folder();
  return std::make_shared<const verified_models>(std::move(*models));
}

int run(node_options options, const std::string& ready_file) {
  auto& registry = metrics::of_process();
  const auto url = serve_metrics(registry, options.metrics);
  if (!url) return report(url.error());
  if (auto good = actors::check_identity(options.mesh, registry); !good)
    return report(good.error());
  actors::system_config config{options.mesh.identity};
  caf::actor_system system{config};
  auto models = open_models(options);
  if (!models) return report(models.error());
  const auto node = spawn_node(system, options, *url, registry, std::move(*models));
  watch_signals(node);
  caf::error reason;
  {
    const nlohmann::ordered_json ready{
        {"role", "worker"}, {"name", options.name}, {"pid", ::getpid()}, {"metrics", *url}};
    std::jthread announcer{
        [&](std::stop_token stop) { announce(system, node, ready_file, ready, stop); }};
    reason = await_end(system, node);
  }
  // Whatever is wrong with this process must not keep it alive.
  if (reason != caf::exit_reason::user_shutdown) ::_exit(exit_gave_up);
  system.await_all_actors_done();
  return 0;
}

}  // namespace

}  // namespace coppice::worker

int main(int argc, char** argv) {
  using namespace coppice;
  block_stop_signals();
  CLI::App app{"One machine's node: a worker for each device, each with its engine process."};
  std::string config, ready_file;
  app.add_option("--config", config, "YAML, see docs/operations.md")->required();
  app.add_option("--ready-file", ready_file, "Written, as JSON, once every engine is up");
  app.set_version_flag("--version", "coppice-worker " COPPICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : worker::exit_usage;
  }
  auto options = worker::read_node_options(config);
  if (!options) return worker::report(options.error());
  if (options->engine_program.empty())
    options->engine_program = worker::beside_this_program("coppice-engine");
  start_log(options->name, options->level);
  return worker::run(std::move(*options), ready_file);
}
