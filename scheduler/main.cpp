#include "actors/serve_metrics.hpp"
#include "base/build_info.hpp"
#include "base/ready_file.hpp"
#include "base/service_notifier.hpp"
#include "base/stop_signal.hpp"
#include "scheduler/process_look.hpp"
#include "scheduler/process_options.hpp"
#include "scheduler/scheduler_actor.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <unistd.h>

namespace coppice::scheduler {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;
constexpr int exit_config = 78;

int report(const error& failure, int code) {
  std::fprintf(stderr, "coppice-scheduler: %s\n", failure.message.c_str());
  return code;
}

expected<void> announce(const std::string& ready_file, const process_options& options,
                        std::uint16_t port, const std::string& metrics_url) {
  const auto host = actors::split_endpoint(options.mesh.listen)->first;
  const nlohmann::ordered_json ready{{"role", "scheduler"},
                                     {"name", options.name},
                                     {"pid", ::getpid()},
                                     {"mesh", host + ":" + std::to_string(port)},
                                     {"metrics", metrics_url}};
  log(log_level::info, "ready", {kv("mesh", ready["mesh"].get<std::string>())});
  return ready_file.empty() ? expected<void>{} : write_atomically(ready_file, ready.dump() + "\n");
}

int run(const process_options& options, const std::string& ready_file) {
  auto& registry = metrics::of_process();
  if (auto good = actors::check_identity(options.mesh, registry); !good)
    return report(good.error(), exit_config);
  actors::system_config config{options.mesh.identity};
  caf::actor_system system{config};
  scheduler_options own;
  own.name = options.name;
  if (options.mesh.insecure) own.warnings.push_back("mesh: insecure on " + options.mesh.listen);
  const auto scheduler = spawn_scheduler(system, std::move(own), registry);
  const auto url = actors::serve_metrics(registry, options.metrics);
  const auto port = actors::publish_scheduler(system, scheduler, options.mesh);
  int code = 0;
  if (!url)
    code = report(url.error(), exit_failure);
  else if (!port)
    code = report(port.error(), exit_config);
  else if (auto done = announce(ready_file, options, *port, *url); !done)
    code = report(done.error(), exit_failure);
  else
    serve_until_stopped(service_notifier{},
                        [&](duration limit) { return look_at(system, scheduler, limit / 2); });
  caf::anon_send_exit(scheduler, caf::exit_reason::user_shutdown);
  return code;
}

}  // namespace

}  // namespace coppice::scheduler

int main(int argc, char** argv) {
  coppice::block_stop_signals();
  CLI::App app{"Places requests on engines. Workers and gateways dial it."};
  std::string config, ready_file;
  bool check_only = false;
  app.add_option("--config", config, "YAML: name, listen, metrics, log, mesh");
  app.add_flag("--check-config", check_only, "Reads the configuration only; 78 if it does not do");
  app.add_option("--ready-file", ready_file, "Written, as JSON, once it accepts connections");
  app.set_version_flag("--version", coppice::build_text("coppice-scheduler"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : coppice::scheduler::exit_usage;
  }
  coppice::scheduler::process_options options;
  if (!config.empty()) {
    auto read = coppice::scheduler::read_options(config);
    if (!read) return coppice::scheduler::report(read.error(), coppice::scheduler::exit_config);
    options = std::move(*read);
  }
  if (check_only) return 0;
  coppice::start_log(options.name, options.level);
  return coppice::scheduler::run(options, ready_file);
}
