#include "client/cli/cluster_up.hpp"

#include "base/ready_file.hpp"
#include "client/cli/cluster.hpp"

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace coppice::cli {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

constexpr int start_poll_ms = 2;

/// "host:port" of a process's /metrics URL.
std::string metrics_address(const json& ready) {
  const auto url = ready["metrics"].get<std::string>();
  return url.substr(7, url.find("/metrics") - 7);
}

}  // namespace

cluster_up::cluster_up(up_options options)
    : options_{std::move(options)}, programs_{fs::read_symlink("/proc/self/exe").parent_path()} {}

child& cluster_up::add(const std::string& role, const std::string& name,
                       const std::string& program) {
  children_.push_back(std::make_unique<child>(
      role, name, std::vector<std::string>{(programs_ / program).string()}, folder_.path()));
  return *children_.back();
}

/// JSON is YAML.
void cluster_up::write_config(const child& of, const json& config) const {
  std::ofstream{of.config_file()} << config.dump(2) << '\n';
}

void cluster_up::pause(int ms) {
  if (signals_.wait(ms)) throw stopped{};
}

json cluster_up::wait_ready(child& of) {
  for (;;) {
    if (const auto text = of.ready()) return ready_[of.name()] = json::parse(*text);
    if (of.has_ended())
      throw std::runtime_error{of.name() + " " + of.reason() + ": " + of.last_words()};
    pause(start_poll_ms);
  }
}

void cluster_up::start_gateway(std::uint32_t k, bool with_scheduler) {
  const auto name = "gateway-" + std::to_string(k + 1);
  auto& gateway = add("gateway", name, "coppice-gateway");
  auto config = options_.gateway;
  config["name"] = name;
  config["door"] = k == 0 ? options_.door : "tcp://127.0.0.1:0";
  config["operator"] = "ipc://" + (folder_.path() / (name + ".sock")).string();
  if (with_scheduler) config["embedded_scheduler"] = {{"listen", "127.0.0.1:0"}};
  if (!schedulers_.empty()) config["schedulers"] = schedulers_;
  write_config(gateway, config);
  gateway.start();
  const auto ready = wait_ready(gateway);
  // Started again, it must come back where clients and workers look for it.
  config["door"] = ready["door"];
  config["metrics"] = metrics_address(ready);
  if (with_scheduler) {
    config["embedded_scheduler"]["listen"] = ready["mesh"];
    schedulers_.push_back(ready["mesh"]);
  }
  write_config(gateway, config);
  operator_doors_.push_back(ready["operator"]);
}

void cluster_up::start_control() {
  for (std::uint32_t k = 0; k < options_.schedulers; ++k) {
    const auto name = "scheduler-" + std::to_string(k + 1);
    auto& scheduler = add("scheduler", name, "coppice-scheduler");
    write_config(scheduler, {{"name", name}});
    scheduler.start();
    const auto ready = wait_ready(scheduler);
    write_config(scheduler,
                 {{"name", name}, {"listen", ready["mesh"]}, {"metrics", metrics_address(ready)}});
    schedulers_.push_back(ready["mesh"]);
  }
  for (std::uint32_t k = 0; k < options_.gateways; ++k)
    start_gateway(k, options_.schedulers == 0 && k == 0);
}

json cluster_up::worker_config(std::uint32_t k) const {
  json engine{{"device", "cpu"}};
  if (options_.threads > 0) engine["threads"] = options_.threads;
  auto config = options_.worker;
  config["name"] = "node-" + std::to_string(k + 1);
  config["schedulers"] = schedulers_;
  config["engines"] = std::vector<json>(options_.engines, engine);
  config["builtins"] = options_.builtins;
  // For as long as this cluster is up.
  config["state"] = (folder_.path() / (config["name"].get<std::string>() + ".state")).string();
  if (!options_.models.empty()) config["models"] = fs::absolute(options_.models).string();
  if (!options_.serve.empty()) config["serve"] = options_.serve;
  return config;
}

void cluster_up::start_workers() {
  for (std::uint32_t k = 0; k < options_.nodes; ++k) {
    auto& worker = add("worker", "node-" + std::to_string(k + 1), "coppice-worker");
    write_config(worker, worker_config(k));
    worker.start();
  }
  expected_engines_ = std::size_t{options_.nodes} * options_.engines;
}

void cluster_up::say_progress(const proto::cluster_status& status) {
  if (!terminal_) return;
  std::size_t up = 0;
  for (const auto& node : status.nodes)
    for (const auto& engine : node.engines) up += engine.verdict == "up" ? 1 : 0;
  std::fprintf(stderr, "\rloading models: %zu of %zu engines up ", up, expected_engines_);
}

void cluster_up::wait_for_models() {
  for (;;) {
    const auto status = ask_operator(operator_door(), 1s);
    std::size_t settled = 0;
    std::string given_up;
    if (status) {
      say_progress(*status);
      for (const auto& node : status->nodes)
        for (const auto& engine : node.engines) {
          if (engine.verdict == "up") ++settled;
          if (engine.verdict == "quarantined") given_up = engine.name + " " + engine.last_reason;
        }
    }
    if (!status && status.error().code == errc::invalid)
      throw std::runtime_error{status.error().message};
    if (settled == expected_engines_) break;
    if (!given_up.empty()) throw std::runtime_error{given_up};
    for (const auto& each : children_)
      if (each->has_ended())
        throw std::runtime_error{each->name() + " " + each->reason() + ": " + each->last_words()};
    pause(start_poll_ms);
  }
  if (terminal_) std::fprintf(stderr, "\r%40s\r", "");
  for (const auto& each : children_) wait_ready(*each);
  for (std::uint32_t k = 0; k < options_.nodes; ++k) keep_metrics_address(k);
}

/// Started again, a worker must be where Prometheus looks for it.
void cluster_up::keep_metrics_address(std::uint32_t k) {
  auto& worker = *children_[children_.size() - options_.nodes + k];
  auto config = worker_config(k);
  config["metrics"] = metrics_address(ready_[worker.name()]);
  write_config(worker, config);
}

void cluster_up::write_ready_file() {
  if (options_.ready_file.empty()) return;
  json out{{"gateways", json::array()},
           {"operator", operator_door()},
           {"operators", operator_doors_},
           {"metrics", json::object()},
           {"processes", json::array()}};
  for (const auto& each : children_) {
    const auto& ready = ready_[each->name()];
    if (each->role() == "gateway") out["gateways"].push_back(ready["door"]);
    out["metrics"][each->name()] = ready["metrics"];
    out["processes"].push_back(
        {{"role", each->role()}, {"name", each->name()}, {"pid", each->pid()}});
  }
  if (auto written = write_atomically(options_.ready_file, out.dump(2) + "\n"); !written)
    throw std::runtime_error{written.error().message};
}

void cluster_up::say_summary() {
  std::string doors, models;
  for (const auto& each : children_)
    if (each->role() == "gateway") doors += " " + ready_[each->name()]["door"].get<std::string>();
  std::map<std::string, std::string> versions;
  if (const auto status = ask_operator(operator_door(), 1s))
    for (const auto& node : status->nodes)
      for (const auto& engine : node.engines)
        for (const auto& card : engine.models)
          versions[card.name + ":" + std::to_string(card.version)];
  for (const auto& [name, unused] : versions) models += " " + name;
  std::printf("The cluster is up: %u gateway(s), %u node(s), %zu engine(s).\n", options_.gateways,
              options_.nodes, expected_engines_);
  std::printf("  endpoint %s\n  models   %s\n", doors.c_str(), models.c_str());
  for (const auto& each : children_)
    std::printf("  metrics   %s  (%s)\n",
                ready_[each->name()]["metrics"].get<std::string>().c_str(), each->name().c_str());
  std::printf("  logs      %s\nCtrl-C stops it.\n", folder_.path().c_str());
  std::fflush(stdout);
}

}  // namespace coppice::cli
