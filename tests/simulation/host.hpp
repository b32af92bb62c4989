#pragma once

#include "tests/simulation/packet.hpp"

#include <vector>

namespace coppice::simulation {

/// One process's part of the cluster: the real decision classes, and around them what their actor,
/// loop or thread does, without CAF, sockets, threads or a clock. Its destruction is the process's
/// death: nothing of it survives.
class host {
 public:
  virtual ~host() = default;
  /// Takes what has arrived since the last turn and does what is due. May clear or move from it.
  /// @returns when it wants the next turn if nothing arrives before.
  virtual steady_time turn(std::vector<arrival>& arrived, steady_time now) = 0;
  /// The process was frozen that long, and goes on.
  virtual void thawed(duration) {}
};

}  // namespace coppice::simulation
