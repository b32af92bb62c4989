#include "worker/node/node_options.hpp"

#include "base/config_file.hpp"
#include "proto/messages/engine_name.hpp"

#include <algorithm>
#include <pwd.h>

namespace coppice::worker {

namespace {

bool is_loopback(const std::string& address) { return address.starts_with("127."); }

/// One entry of `engines`. @returns false if a key or value does not do.
bool read_engine(const std::string& key, const YAML::Node& value, device_options& device) {
  if (key == "device") return YAML::convert<std::string>::decode(value, device.device);
  if (key == "group") return YAML::convert<std::string>::decode(value, device.group);
  return key == "threads" && YAML::convert<std::uint32_t>::decode(value, device.threads);
}

void read_engines(config_map& map, node_options& options) {
  const auto list = map.take("engines");
  if (!list) return;
  if (!list.IsSequence())
    return map.reject(list, "'engines' must be a list of {device, threads, group}");
  options.engines.clear();
  for (const auto& each : list) {
    device_options device;
    if (!each.IsMap()) return map.reject(each, "an engine must be a map {device, threads, group}");
    for (const auto& entry : each)
      if (!read_engine(entry.first.as<std::string>(""), entry.second, device))
        return map.reject(entry.first,
                          "an engine has a 'device', a number of 'threads' and a 'group'");
    options.engines.push_back(device);
  }
}

void read_confinement(config_map& map, node_options& options) {
  std::string user;
  std::uint64_t memory_mib = 0;
  map.optional("engine_user", user, "a user's name")
      .optional("engine_memory_mib", memory_mib, "MiB")
      .optional("engine_tasks", options.engine_tasks, "a whole number");
  options.engine_memory_bytes = memory_mib << 20;
  if (options.sandbox != "off" && options.sandbox != "auto" && options.sandbox != "required")
    map.reject("sandbox", "'sandbox' must be off, auto or required");
  if (!options.trusted_keys.empty() && options.models.empty() && options.state.empty())
    map.reject("trusted_keys",
               "'trusted_keys' are for a signed repository, and there is no 'models'");
  if (user.empty()) return;
  if (const auto* found = ::getpwnam(user.c_str()))
    options.engine_user = {found->pw_uid, found->pw_gid};
  else
    map.reject("engine_user", "there is no user '" + user + "' on this machine");
}

void read_restart(config_map restart, node_options& options, expected<void>& done) {
  std::uint32_t period_s = 60, base_ms = 200, cap_ms = 30'000, probe_s = 300;
  auto& to = options.supervision;
  restart.optional("intensity", to.restart.intensity, "a whole number")
      .optional("period_s", period_s, "seconds")
      .optional("base_ms", base_ms, "milliseconds")
      .optional("cap_ms", cap_ms, "milliseconds")
      .optional("probe_s", probe_s, "seconds");
  to.restart.period = std::chrono::seconds{period_s};
  to.restart.pause.base = std::chrono::milliseconds{base_ms};
  to.restart.pause.cap = std::chrono::milliseconds{cap_ms};
  to.probe_every = std::chrono::seconds{std::max(probe_s, 1u)};
  if (done) done = restart.finish();
}

}  // namespace

expected<node_options> read_node_options(const std::filesystem::path& file) {
  auto map = config_map::read(file);
  if (!map) return tl::unexpected(map.error());
  node_options options;
  std::string level = "info";
  std::uint64_t hang_ms = 60'000;
  std::uint32_t drain_s = 30, load_s = 60;
  map->optional("name", options.name, "a name")
      .optional("schedulers", options.schedulers, "a list of host:port")
      .optional("models", options.models, "a folder")
      .optional("serve", options.serve, "a list of NAME or NAME:VERSION")
      .optional("builtins", options.builtins, "a list of echo, sleep, crash, hang, flip, count")
      .optional("state", options.state, "a file")
      .optional("bind", options.bind, "an address")
      .optional("metrics", options.metrics, "host:port")
      .optional("hang_after_ms", hang_ms, "milliseconds")
      .optional("load_limit_s", load_s, "seconds")
      .optional("load_mib_per_s", options.load_mib_per_s, "MiB")
      .optional("drain_s", drain_s, "seconds")
      .optional("engine_program", options.engine_program, "a path")
      .optional("trusted_keys", options.trusted_keys, "a list of files")
      .optional("sandbox", options.sandbox, "off, auto or required")
      .optional("log", level, "debug, info, warn or error");
  options.hang_after = std::chrono::milliseconds{hang_ms};
  options.load_limit = std::chrono::seconds{load_s};
  if (load_s == 0 || options.load_mib_per_s == 0)
    map->reject(load_s == 0 ? "load_limit_s" : "load_mib_per_s",
                "'load_limit_s' and 'load_mib_per_s' must be at least 1");
  options.drain = std::chrono::seconds{drain_s};
  read_engines(*map, options);
  read_confinement(*map, options);
  if (!options.state.empty()) options.state = (file.parent_path() / options.state).string();
  for (auto& each : options.trusted_keys) each = (file.parent_path() / each).string();
  auto done = actors::read_mesh(map->section("mesh"), file.parent_path(), options.mesh);
  const auto parsed = log_level_from_name(level);
  if (!parsed) map->reject("log", "'log' must be debug, info, warn or error");
  if (options.schedulers.empty())
    map->reject("schedulers", "'schedulers' must name at least one host:port");
  if (options.engines.empty() || options.engines.size() > 64)
    map->reject("engines", "'engines' must list 1 to 64 engines");
  if (!is_loopback(options.bind) && !options.mesh.identity && !options.mesh.insecure)
    map->reject("bind",
                "engines would listen on " + options.bind +
                    " without authentication; give 'mesh' a certificate, use a loopback "
                    "address, or set 'mesh: {insecure: true}' on a network that nobody else "
                    "can reach");
  read_restart(map->section("restart"), options, done);
  if (done) done = map->finish();
  if (!done) return tl::unexpected(done.error());
  options.level = *parsed;
  return options;
}

std::vector<roster_entry> roster_of(const node_options& options) {
  std::vector<roster_entry> entries;
  for (std::size_t k = 0; k < options.engines.size(); ++k)
    entries.push_back(
        {engine_name(options, k), options.engines[k].device, options.engines[k].group});
  return entries;
}

std::string engine_name(const node_options& options, std::size_t k) {
  const auto n = options.engines.size();
  const auto place = options.name + "/engine-" + std::to_string(k % n);
  return k < n ? place : proto::name_beside(place);
}

std::vector<std::string> engine_command(const node_options& options, std::size_t k,
                                        const model_set& models) {
  const auto& device = options.engines[k % options.engines.size()];
  std::vector<std::string> command{
      options.engine_program, "--name", engine_name(options, k), "--bind", options.bind, "--device",
      device.device};
  if (options.sandbox != "off") command.insert(command.end(), {"--sandbox", options.sandbox});
  if (options.mesh.identity && !is_loopback(options.bind)) command.push_back("--encrypt-link");
  if (device.threads > 0)
    command.insert(command.end(), {"--threads", std::to_string(device.threads)});
  const auto& desired = models.desired;
  if (!desired.models.empty()) command.insert(command.end(), {"--models", models.folder.string()});
  for (const auto& each : desired.serve) command.insert(command.end(), {"--serve", each});
  for (const auto& each : desired.builtins) command.insert(command.end(), {"--builtin", each});
  return command;
}

}  // namespace coppice::worker
