#include "gateway/process_options.hpp"

#include "base/config_file.hpp"

namespace coppice::gateway {

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
  auto limits = map->section("limits");
  limits.optional("waiting_rows", options.limits.waiting_rows, "a whole number")
      .optional("admitted_bytes", options.limits.admitted_bytes, "a whole number of bytes");
  auto embedded = map->section("embedded_scheduler");
  if (map->has("embedded_scheduler")) {
    options.embedded_scheduler = "127.0.0.1:0";
    embedded.optional("listen", *options.embedded_scheduler, "host:port");
  }
  auto mesh = map->section("mesh");
  mesh.optional("insecure", options.insecure_mesh, "true or false");
  const auto parsed = log_level_from_name(level);
  if (!parsed) map->reject("log", "'log' must be debug, info, warn or error");
  if (!options.embedded_scheduler && options.schedulers.empty())
    map->reject("schedulers", "there is neither 'schedulers' nor 'embedded_scheduler'; name one");
  for (const auto* part : {&*map, &limits, &embedded, &mesh})
    if (auto done = part->finish(); !done) return tl::unexpected(done.error());
  options.level = *parsed;
  return options;
}

}  // namespace coppice::gateway
