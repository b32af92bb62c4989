#include "base/backoff.hpp"
#include "base/config_file.hpp"
#include "base/ready_file.hpp"
#include "client/cli/child.hpp"
#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <poll.h>
#include <set>
#include <sys/signalfd.h>
#include <unistd.h>

namespace coppice::cli {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// A gateway may let its open requests end; without gateways nobody waits for what engines run.
constexpr duration gateway_stop_limit = 35s;
constexpr duration stop_limit = 4s;
constexpr int start_poll_ms = 2;
constexpr int watch_poll_ms = 100;

struct up_options {
  std::uint32_t gateways = 1, schedulers = 0, nodes = 1, engines = 1, threads = 0;
  std::string config, models, ready_file, door = "tcp://127.0.0.1:0";
  std::vector<std::string> builtins{"echo"}, serve;
  /// Longest pause before a process that ended again and again is started again, 50 or more.
  std::uint32_t restart_cap_ms = 5000;
  /// Further keys of every gateway's and every worker's configuration, from `gateway:` and
  /// `worker:` of the file; what `up` decides itself stands above them.
  json gateway = json::object(), worker = json::object();
};

/// A private folder for config, ready and log files; removed at the end.
class run_folder {
 public:
  run_folder() {
    const char* base = std::getenv("XDG_RUNTIME_DIR");
    auto pattern = std::string{base != nullptr ? base : "/tmp"} + "/coppice-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{pattern + ": cannot be made"};
    path_ = pattern;
  }
  ~run_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  run_folder(const run_folder&) = delete;
  run_folder& operator=(const run_folder&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// SIGINT and SIGTERM as a descriptor.
class stop_signals {
 public:
  stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~stop_signals() { ::close(fd_); }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// Waits at most `ms`. @returns whether a signal came.
  [[nodiscard]] bool wait(int ms) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, ms) <= 0) return false;
    signalfd_siginfo taken;
    return ::read(fd_, &taken, sizeof taken) == sizeof taken;
  }

 private:
  int fd_;
};

/// `coppice up`: plays systemd for a whole cluster on this machine.
class cluster_up {
 public:
  explicit cluster_up(up_options options)
      : options_{std::move(options)}, programs_{fs::read_symlink("/proc/self/exe").parent_path()} {}

  int run();

 private:
  struct stopped {};

  child& add(const std::string& role, const std::string& name, const std::string& program);
  void write_config(const child& of, const json& config) const;
  json wait_ready(child& of);
  void pause(int ms);
  void start_control();
  void start_gateway(std::uint32_t k, bool with_scheduler);
  void start_workers();
  void wait_for_models();
  void keep_metrics_address(std::uint32_t k);
  void say_progress(const proto::cluster_status& status);
  void write_ready_file();
  void say_summary();
  void supervise();
  void restart_ended();
  void announce_if_ready(child& of);
  void stop();
  /// @returns false if a stop signal came meanwhile.
  bool stop_all(const std::vector<child*>& which, duration limit);
  [[nodiscard]] json worker_config(std::uint32_t k) const;

  up_options options_;
  fs::path programs_;
  run_folder folder_;
  stop_signals signals_;
  std::vector<std::unique_ptr<child>> children_;
  std::map<std::string, json> ready_;
  /// Names of processes that were started again and are not ready yet.
  std::set<std::string> restarting_;
  std::vector<std::string> schedulers_;
  std::string operator_door_;
  std::vector<std::string> operator_doors_;
  std::size_t expected_engines_ = 0;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

child& cluster_up::add(const std::string& role, const std::string& name,
                       const std::string& program) {
  children_.push_back(std::make_unique<child>(
      role, name, std::vector<std::string>{(programs_ / program).string()}, folder_.path()));
  return *children_.back();
}

/// "host:port" of a process's /metrics URL.
std::string metrics_address(const json& ready) {
  const auto url = ready["metrics"].get<std::string>();
  return url.substr(7, url.find("/metrics") - 7);
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
  if (operator_door_.empty()) operator_door_ = operator_doors_.front();
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
    const auto status = ask_operator(operator_door_, 1s);
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
           {"operator", operator_door_},
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
  if (const auto status = ask_operator(operator_door_, 1s))
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

void cluster_up::restart_ended() {
  const backoff pause{
      .base = 50ms, .cap = std::chrono::milliseconds{options_.restart_cap_ms}, .jitter = 0};
  const auto at = now();
  for (const auto& each : children_) {
    if (each->has_ended()) {
      each->streak = at - each->started > 10s ? 1 : each->streak + 1;
      each->start_at = at + pause.delay(each->streak, 0);
      std::fprintf(stderr, "%s %s; starting it again\n", each->name().c_str(),
                   each->reason().c_str());
    }
    if (each->pid() <= 0 && at >= each->start_at) {
      each->start();
      restarting_.insert(each->name());
    }
    announce_if_ready(*each);
  }
}

/// The ready file names a process that was started again once it is ready again.
void cluster_up::announce_if_ready(child& of) {
  if (!restarting_.contains(of.name())) return;
  const auto text = of.ready();
  if (!text) return;
  ready_[of.name()] = json::parse(*text);
  restarting_.erase(of.name());
  write_ready_file();
}

void cluster_up::supervise() {
  for (;;) {
    restart_ended();
    pause(watch_poll_ms);
  }
}

bool cluster_up::stop_all(const std::vector<child*>& which, duration limit) {
  for (const auto& each : which) each->signal(SIGTERM);
  const auto until = now() + limit;
  for (const auto& each : which)
    while (each->pid() > 0 && !each->has_ended() && now() < until)
      if (signals_.wait(5)) return false;
  return true;
}

/// Where requests enter first, so that what is below is idle when it stops. A second Ctrl-C, or a
/// limit, leaves the rest to the destructors, which kill.
void cluster_up::stop() {
  std::vector<child*> gateways, others;
  for (const auto& each : children_)
    (each->role() == "gateway" ? gateways : others).push_back(each.get());
  if (stop_all(gateways, gateway_stop_limit)) stop_all(others, stop_limit);
}

int cluster_up::run() try {
  try {
    start_control();
    start_workers();
    wait_for_models();
    write_ready_file();
    say_summary();
    supervise();
  } catch (const stopped&) {
    stop();
    return 0;
  }
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "coppice up: %s\n", failure.what());
  stop();
  return exit_failure;
}

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

}  // namespace

void add_up(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("up", "Starts a whole cluster on this machine and keeps it up");
  auto options = std::make_shared<up_options>();
  verb->add_option("--config", options->config, "YAML with the same keys as these options");
  verb->add_option("--gateways", options->gateways, "Gateway processes")->check(CLI::Range(1, 16));
  verb->add_option("--schedulers", options->schedulers,
                   "Scheduler processes; 0: one inside the first gateway")
      ->check(CLI::Range(0, 16));
  verb->add_option("--nodes", options->nodes, "Worker processes")->check(CLI::Range(1, 64));
  verb->add_option("--engines", options->engines, "Engines of each node")->check(CLI::Range(1, 64));
  verb->add_option("--threads", options->threads, "Threads of one forward; 0: as model.yml says");
  verb->add_option("--models", options->models,
                   "Model repository (default: models/ if it is there)");
  verb->add_option("--serve", options->serve, "NAME or NAME:VERSION (default: all)");
  verb->add_option("--builtins", options->builtins, "Built-in models")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option("--door", options->door, "Endpoint of the first gateway")->capture_default_str();
  verb->add_option("--ready-file", options->ready_file, "JSON, written when every model is ready");
  verb->callback([options, &exit_code] {
    if (!options->config.empty())
      if (auto read = read_config(*options); !read) {
        std::fprintf(stderr, "coppice up: %s\n", read.error().message.c_str());
        exit_code = exit_usage;
        return;
      }
    if (options->models.empty() && options->config.empty() && fs::is_directory("models"))
      options->models = "models";
    exit_code = cluster_up{*options}.run();
  });
}

}  // namespace coppice::cli
