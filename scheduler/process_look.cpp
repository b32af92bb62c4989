#include "scheduler/process_look.hpp"

#include "actors/ask.hpp"
#include "base/counted.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace coppice::scheduler {

std::string status_line(const proto::cluster_status& seen) {
  std::size_t engines = 0;
  std::ptrdiff_t up = 0;
  for (const auto& node : seen.nodes) {
    engines += node.engines.size();
    up += std::ranges::count(node.engines, "up", &proto::engine_state::verdict);
  }
  return fmt::format("{} of {} up on {}, {}", up, counted(engines, "engine"),
                     counted(seen.nodes.size(), "node"), counted(seen.gateways.size(), "gateway"));
}

expected<std::string> look_at(caf::actor_system& system, const proto::scheduler_actor& scheduler,
                              duration limit) {
  return actors::ask<proto::cluster_status>(system, scheduler, "The scheduler actor", limit,
                                            caf::get_atom::value)
      .map(status_line);
}

}  // namespace coppice::scheduler
