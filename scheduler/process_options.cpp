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
  const auto mesh = actors::read_mesh(map->section("mesh"), file.parent_path(), options.mesh);
  const auto parsed = log_level_from_name(level);
  if (!parsed) map->reject("log", "'log' must be debug, info, warn or error");
  for (const auto& done : {map->finish(), mesh})
    if (!done) return tl::unexpected(done.error());
  options.level = *parsed;
  return options;
}

}  // namespace coppice::scheduler
