#include "tests/simulation/scenario.hpp"

#include "tests/simulation/scenario_parts.hpp"

#include <fmt/format.h>

namespace coppice::simulation {

namespace {

/// Longer than any time-out of the cluster: silences, heartbeats, back-offs, starts.
constexpr duration recovery = 14s;
/// Time after the last deadline, in which everything is given back.
constexpr duration quiet = 4s;
/// One seed in so many is gentle.
constexpr std::uint64_t gentle_every = 8;

}  // namespace

scenario draw_scenario(std::uint64_t seed) {
  scenario out;
  out.seed = seed;
  out.gentle = seed % gentle_every == 0;
  const draws source{seed};
  auto cluster = source.fork(10), limits = source.fork(11), load = source.fork(12),
       faults = source.fork(13);
  out.calm_from = load_until + recovery;
  out.ends = out.calm_from + calm_lasts + calm_timeout + quiet;
  draw_cluster(cluster, out);
  out.usual = draw_quality(limits);
  if (out.gentle)
    draw_gentle_models(cluster, out);
  else
    draw_limits(limits, out);
  draw_faults(faults, out);
  draw_hedges(source.fork(14), out);
  draw_load(load, out);
  return out;
}

std::string scenario::summary() const {
  std::size_t engines = 0;
  for (const auto& node : nodes) engines += node.engines.size();
  return fmt::format(
      "seed {}{}: {} gateways, {} schedulers, {} nodes, {} engines, {} models, {} clients, {} "
      "requests, {} faults, {:.0f} s",
      seed, gentle ? " (gentle)" : "", gateways.size(), schedulers.size(), nodes.size(), engines,
      models.size(), clients.size(), requests.size(), faults.size(),
      std::chrono::duration<double>(ends).count());
}

}  // namespace coppice::simulation
