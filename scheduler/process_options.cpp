#include "scheduler/process_options.hpp"

#include "base/config_file.hpp"

namespace coppice::scheduler {

expected<process_options> read_options(const std::filesystem::path& file) {
  auto map = config_map::read(file);
  if (!map) return tl::unexpected(map.error());
  process_options options;
  std::string level = "info";
  map->optional("name", options.name, "a name")
      .optional("listen", options.mesh.listen, "host:port")
      .optional("metrics", options.metrics, "host:port")
      .optional("log", level, "debug, info, warn or error");
  auto mesh = map->section("mesh");
  mesh.optional("insecure", options.mesh.insecure, "true or false");
  const auto parsed = log_level_from_name(level);
  if (!parsed) map->reject("log", "'log' must be debug, info, warn or error");
  for (const auto& part : {&*map, &mesh})
    if (auto done = part->finish(); !done) return tl::unexpected(done.error());
  options.level = *parsed;
  return options;
}

}  // namespace coppice::scheduler
