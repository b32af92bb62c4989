#include "tests/simulation/run.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <iostream>

namespace coppice::simulation {

namespace {

/// Runs seeds one after another. Prints a line for each that fails, and the totals.
int run_seeds(std::uint64_t first, std::uint64_t seeds) {
  std::uint64_t events = 0, requests = 0, failed = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    const auto result = run(draw_scenario(seed));
    events += result.events;
    requests += result.counts.submitted;
    if (!result.broken) continue;
    ++failed;
    fmt::print("failed {} {}: {}\n", seed, invariant_name(result.broken->which),
               result.broken->what);
    std::fflush(stdout);
  }
  fmt::print("ran {} seeds, {} failed, {} events, {} requests\n", seeds, failed, events, requests);
  return failed > 0 ? 1 : 0;
}

}  // namespace

}  // namespace coppice::simulation

int main(int argc, char** argv) {
  using namespace coppice::simulation;
  CLI::App app{"Runs the cluster's decision classes on one event queue, from a seed."};
  std::uint64_t first = 1, seeds = 1;
  std::optional<std::uint64_t> seed;
  app.add_option("--first", first, "First seed");
  app.add_option("--seeds", seeds, "How many seeds");
  app.add_option("--seed", seed, "One seed, with its story");
  CLI11_PARSE(app, argc, argv);
  if (seed) return tell(*seed, std::cout).broken ? 1 : 0;
  return run_seeds(first, seeds);
}
