#include "worker/node/node_look.hpp"

#include "base/counted.hpp"

#include <fmt/format.h>

namespace coppice::worker {

std::string status_line(const node_look& look) {
  const auto rows = counted(look.rows, "row") + " in flight";
  if (look.stopping) return "draining: " + rows;
  return fmt::format("{}{} of {} up, {}", look.settled ? "" : "starting: ", look.up,
                     counted(look.engines, "engine"), rows);
}

}  // namespace coppice::worker
