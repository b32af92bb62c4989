#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace coppice::fleet {

/// How large a simulated fleet is, and what it is put through. Every engine serves one model.
struct plan {
  std::uint64_t seed = 1;
  std::uint32_t engines = 1000;
  std::uint32_t engines_per_node = 8;
  /// Engines that serve the same model.
  std::uint32_t engines_per_model = 25;
  std::uint32_t gateways = 20;
  std::uint32_t clients_per_gateway = 100;
  std::uint32_t schedulers = 3;
  /// Of all clients together, Poisson arrivals, as many for each gateway and model.
  double requests_per_s = 100'000;
  /// Engines that are killed (SIGKILL) while it is measured; each is started again.
  double deaths_per_s = 1;

  /// A step takes this, and so much more for each of its rows.
  duration step = 4ms;
  duration per_row = 250us;
  std::uint32_t max_batch = 8;
  /// From an engine's start to its being ready.
  duration load = 500ms;
  /// One way, between any two processes.
  duration path = 100us;

  /// Engines come up and gateways meet schedulers; requests begin to come.
  duration start = 2s;
  /// Requests come, and nothing is measured yet.
  duration settle = 2s;
  duration measured = 5s;

  [[nodiscard]] std::uint32_t nodes() const {
    return (engines + engines_per_node - 1) / engines_per_node;
  }
  [[nodiscard]] std::uint32_t models() const {
    return std::max(1u, engines / std::max(1u, engines_per_model));
  }
  /// Rest at the end: credit lapses, and engines that were killed are on probation no more.
  [[nodiscard]] duration rest() const { return deaths_per_s > 0 ? 12s : 3s; }
};

}  // namespace coppice::fleet
