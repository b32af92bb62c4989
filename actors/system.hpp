#pragma once

#include "base/error.hpp"
#include "proto/contracts/cluster.hpp"

#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <string>

namespace coppice::actors {

/// The actor system of every Coppice process: message types, middleman, a scheduler that does
/// not sleep between messages, heartbeats equal on all nodes (1 s / 5 s, a backstop only).
class system_config : public caf::actor_system_config {
 public:
  system_config();
};

/// Where a process's CAF port may listen.
struct mesh_options {
  /// "host:port"; port 0 takes any free one.
  std::string listen = "127.0.0.1:0";
  /// Plain CAF beyond loopback is refused unless this is set; then log, status and metrics warn.
  bool insecure = false;
};

/// Splits "host:port".
/// @error `invalid` if there is no port or it is not a number.
expected<std::pair<std::string, std::uint16_t>> split_endpoint(const std::string& endpoint);

/// Publishes `scheduler` as `options` says. @returns the port.
/// @error `invalid` beyond loopback without `insecure`; `unavailable` if the port is taken.
expected<std::uint16_t> publish_scheduler(caf::actor_system& system,
                                          const proto::scheduler_actor& scheduler,
                                          const mesh_options& options);

}  // namespace coppice::actors
