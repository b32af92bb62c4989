#include "gateway/process_options.hpp"

#include "base/config_file.hpp"
#include "gateway/access/user_options.hpp"
#include "gateway/admission/tenant_options.hpp"
#include "gateway/loopback.hpp"

namespace coppice::gateway {

namespace {

void read_limits(config_map& limits, admission_limits& out, bool has_users) {
  limits.optional("waiting_rows", out.waiting_rows, "a whole number")
      .optional("admitted_bytes", out.admitted_bytes, "a whole number of bytes");
  limits.optional("outgoing_bytes", out.outgoing.total, "a whole number of bytes");
  out.outgoing.per_client = out.outgoing.total / 4;
  limits.optional("client_outgoing_bytes", out.outgoing.per_client, "a whole number of bytes");
  // Nobody else is there to be protected from the only tenant.
  out.tenant_waiting_rows = has_users ? (out.waiting_rows + 1) / 2 : out.waiting_rows;
  limits.optional("tenant_waiting_rows", out.tenant_waiting_rows, "a whole number");
  if (!limits.has("queue_target_ms")) return;
  std::uint32_t target = 0;
  limits.optional("queue_target_ms", target, "a whole number of milliseconds");
  if (target < 1 || target > 3'600'000)
    limits.reject("queue_target_ms", "'queue_target_ms' must be 1 to 3600000");
  out.queue_target = std::chrono::milliseconds{target};
}

/// `users`, or the file that `users_file` names, beside `file` if it is relative.
expected<user_table> read_users_of(config_map& map, const std::filesystem::path& file) {
  std::string other;
  map.optional("users_file", other, "a path");
  if (map.has("users") && map.has("users_file"))
    map.reject("users_file", "there are 'users' and 'users_file'; keep one");
  if (!other.empty()) return read_users(file.parent_path() / other);
  return read_users(map.section("users"));
}

/// Files beside `file` if they are relative.
expected<std::optional<door_keys>> read_keys(config_map& map, const std::filesystem::path& file) {
  auto section = map.section("keys");
  std::string secret, allow;
  section.optional("secret_file", secret, "a path").optional("allow_file", allow, "a path");
  if (map.has("keys") && (secret.empty() || allow.empty()))
    map.reject("keys", "'keys' needs 'secret_file' and 'allow_file'");
  if (map.has("keys") && (map.has("users") || map.has("users_file")))
    map.reject("keys", "there are 'users' and 'keys'; keep one");
  if (auto done = section.finish(); !done) return tl::unexpected(done.error());
  if (!map.has("keys")) return std::nullopt;
  return door_keys{file.parent_path() / secret, file.parent_path() / allow};
}

}  // namespace

expected<process_options> read_options(const std::filesystem::path& file) {
  auto map = config_map::read(file);
  if (!map) return tl::unexpected(map.error());
  process_options options;
  std::string level = "info";
  map->optional("name", options.name, "a name")
      .optional("door", options.door, "a ZeroMQ endpoint such as tcp://127.0.0.1:5555")
      .optional("operator", options.operator_door, "an ipc:// endpoint")
      .optional("metrics", options.metrics, "host:port")
      .optional("schedulers", options.schedulers, "a list of host:port")
      .optional("log", level, "debug, info, warn or error");
  const auto tenants = read_tenants(map->section("tenants"));
  if (!tenants) return tl::unexpected(tenants.error());
  options.tenants = *tenants;
  const auto users = read_users_of(*map, file);
  if (!users) return tl::unexpected(users.error());
  options.users = *users;
  const auto keys = read_keys(*map, file);
  if (!keys) return tl::unexpected(keys.error());
  options.keys = *keys;
  const auto quotas = read_quotas(map->section("quotas"), options.tenants.otherwise);
  if (!quotas) return tl::unexpected(quotas.error());
  options.quotas = *quotas;
  auto limits = map->section("limits");
  read_limits(limits, options.limits, !options.users.empty() || options.keys);
  auto embedded = map->section("embedded_scheduler");
  if (map->has("embedded_scheduler")) {
    options.embedded_scheduler = "127.0.0.1:0";
    embedded.optional("listen", *options.embedded_scheduler, "host:port");
  }
  const auto mesh = actors::read_mesh(map->section("mesh"), file.parent_path(), options.mesh);
  if (!options.users.empty() && beyond_loopback(options.door))
    map->reject(
        "door",
        "passwords of users cross the network in clear, and this 'door' is beyond loopback. "
        "Use a loopback address, or remove the users");
  const auto parsed = log_level_from_name(level);
  if (!parsed) map->reject("log", "'log' must be debug, info, warn or error");
  if (!options.embedded_scheduler && options.schedulers.empty())
    map->reject("schedulers", "there is neither 'schedulers' nor 'embedded_scheduler'; name one");
  for (const auto& done : {map->finish(), limits.finish(), embedded.finish(), mesh})
    if (!done) return tl::unexpected(done.error());
  options.level = *parsed;
  return options;
}

}  // namespace coppice::gateway
