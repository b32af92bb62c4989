#pragma once

#include "tests/fleet/engine_host.hpp"
#include "worker/node/engine_roster.hpp"

#include <memory>
#include <vector>

namespace coppice::fleet {

/// A machine: a real roster with its restart policy, its engines, and what
/// worker/node/node_actor.cpp does around them.
class node_host {
 public:
  node_host(cluster& all, std::uint32_t index);

  /// Kills one of its engines (SIGKILL); its supervisor starts it again.
  void kill(std::uint32_t k);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(engines_.size()); }

 private:
  void supervise();
  void start(std::uint32_t k);
  void is_up(std::uint32_t k);
  void send_snapshot();

  cluster& all_;
  std::uint32_t first_engine_;
  worker::engine_roster roster_;
  std::vector<std::unique_ptr<engine_host>> engines_;
  proto::node_snapshot snapshot_;
};

}  // namespace coppice::fleet
