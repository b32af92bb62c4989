#pragma once

#include "actors/mesh_identity.hpp"
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
  /// @param identity  as `check_identity` has found it good; with it every connection of the mesh
  /// is encrypted, and both sides show their certificates.
  explicit system_config(const std::optional<mesh_identity>& identity = {});
};

/// Splits "host:port".
/// @error `invalid` if there is no port or it is not a number.
expected<std::pair<std::string, std::uint16_t>> split_endpoint(const std::string& endpoint);

/// Publishes `scheduler` as `options` says. A port that asks for certificates is dialled without
/// one before anybody is told of it. @returns the port.
/// @error `invalid` beyond loopback without an identity or `insecure`, or if a stranger is let in;
/// `unavailable` if the port is taken.
expected<std::uint16_t> publish_scheduler(caf::actor_system& system,
                                          const proto::scheduler_actor& scheduler,
                                          const mesh_options& options);

}  // namespace coppice::actors
