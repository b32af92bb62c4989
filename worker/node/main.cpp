#include "actors/ask.hpp"
#include "actors/serve_metrics.hpp"
#include "actors/system.hpp"
#include "base/build_info.hpp"
#include "base/descriptor_limit.hpp"
#include "base/ready_file.hpp"
#include "base/service_notifier.hpp"
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
#include <functional>
#include <optional>
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
/// How much longer a start or a drain that goes on may take, each time it is told.
constexpr duration extension = 30s;

int report(const error& failure) {
  std::fprintf(stderr, "coppice-worker: %s\n", failure.message.c_str());
  const bool bad = failure.code == errc::invalid || failure.code == errc::forbidden;
  return bad ? exit_config : exit_failure;
}

std::string beside_this_program(const char* name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

void announce(const std::string& ready_file, const nlohmann::ordered_json& ready) {
  log(log_level::info, "ready");
  if (ready_file.empty()) return;
  if (auto written = write_atomically(ready_file, ready.dump() + "\n"); !written)
    log(log_level::error, "ready_file_failed", {kv("reason", written.error().message)});
}

/// The first signal drains and stops, the second ends at once: the engines die with their worker.
/// Lives as long as the process.
void watch_signals(const node_self& node, const service_notifier& service) {
  std::thread{[node, service] {
    wait_for_stop_signal();
    service.stopping("draining");
    caf::anon_send(node, stop_node{});
    wait_for_stop_signal();
    ::_exit(exit_failure);
  }}.detach();
}

/// Looks at a node from its start to its end: announces it once every engine is up or given up, and
/// tells the service manager how it is.
class node_watch {
 public:
  node_watch(caf::actor_system& system, node_self node, const service_notifier& service,
             std::function<void()> announce)
      : system_{system},
        node_{std::move(node)},
        service_{service},
        announce_{std::move(announce)} {}

  /// Waits for the node's end. @returns its reason.
  caf::error run();

 private:
  void look();
  void tell(const expected<node_look>& found);

  caf::actor_system& system_;
  node_self node_;
  const service_notifier& service_;
  std::function<void()> announce_;
  bool announced_ = false;
  steady_time tell_at_{};
};

caf::error node_watch::run() {
  caf::scoped_actor self{system_};
  self->monitor(node_);
  std::optional<caf::error> reason;
  while (!reason) {
    look();
    self->receive([&](const caf::down_msg& down) { reason = down.reason; },
                  caf::after(announced_ ? service_.period() : settle_period) >> [] {});
  }
  return *reason;
}

void node_watch::look() {
  const auto found = actors::ask<node_look>(system_, node_, "The node actor", service_.period() / 2,
                                            caf::get_atom::value);
  if (found && found->settled && !announced_) {
    announced_ = true;
    announce_();
    service_.ready();
    tell_at_ = {};
  }
  if (const auto at = now(); at >= tell_at_) {
    tell_at_ = at + service_.period();
    tell(found);
  }
}

/// The node itself bounds how long its engines may load, and how long it may drain.
void node_watch::tell(const expected<node_look>& found) {
  service_.tell(found.map(status_line));
  if (found && (!announced_ || found->stopping)) service_.extend(extension);
}

int run(const node_options& options, const std::string& ready_file) {
  auto& registry = metrics::of_process();
  const service_notifier service;
  const auto url = actors::serve_metrics(registry, options.metrics);
  if (!url) return report(url.error());
  if (auto good = actors::check_identity(options.mesh, registry); !good)
    return report(good.error());
  actors::system_config config{options.mesh.identity};
  caf::actor_system system{config};
  auto from = find_beginning(options);
  if (!from) return report(from.error());
  const auto node = spawn_node(system, options, *url, registry, std::move(*from));
  watch_signals(node, service);
  const nlohmann::ordered_json ready{
      {"role", "worker"}, {"name", options.name}, {"pid", ::getpid()}, {"metrics", *url}};
  const auto reason = node_watch{system, node, service, [&] { announce(ready_file, ready); }}.run();
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
  bool check_only = false;
  app.add_option("--config", config, "YAML, see docs/operations.md")->required();
  app.add_flag("--check-config", check_only, "Reads the configuration only; 78 if it does not do");
  app.add_option("--ready-file", ready_file, "Written, as JSON, once every engine is up");
  app.set_version_flag("--version", build_text("coppice-worker"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : worker::exit_usage;
  }
  auto options = worker::read_node_options(config);
  if (!options) return worker::report(options.error());
  if (check_only) return 0;
  if (options->engine_program.empty())
    options->engine_program = worker::beside_this_program("coppice-engine");
  start_log(options->name, options->level);
  // Files of signed models stay open, of two revisions while one takes over from the other.
  raise_descriptor_limit();
  return worker::run(*options, ready_file);
}
