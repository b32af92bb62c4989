#pragma once

#include "tests/simulation/draws.hpp"
#include "tests/simulation/scenario.hpp"

/// The parts of a scenario, each drawn from streams of its own.
namespace coppice::simulation {

/// Load and faults end by then, and the cluster recovers.
constexpr duration load_until = 60s;
/// Of the requests after that, all must succeed.
constexpr duration calm_lasts = 6s, calm_timeout = 4s;
/// Tokens of a stream, on average.
constexpr std::uint32_t mean_tokens = 20;

// scenario_cluster.cpp

/// Processes, machines, models and the paths between them.
void draw_cluster(draws& random, scenario& out);
[[nodiscard]] paths::quality draw_quality(draws& random);
/// Engines that bear the load though half of them are away, and paths on which an engine of one row
/// at a time does not stand still for long between two.
void draw_gentle_models(draws& random, scenario& out);
void draw_limits(draws& random, scenario& out);
/// Some models opt in to second attempts.
void draw_hedges(draws random, scenario& out);
/// Rows (sequences) a second that all engines of the model can run.
[[nodiscard]] double rate_of(const scenario& of, std::uint32_t model);

// scenario_faults.cpp

void draw_faults(draws& random, scenario& out);

// scenario_load.cpp

/// What clients ask, `calm` requests among it.
void draw_load(draws& random, scenario& out);

}  // namespace coppice::simulation
