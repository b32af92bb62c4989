#include "tests/simulation/run.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <iostream>

namespace coppice::simulation {

namespace {

void add(auditor::totals& all, const auditor::totals& one) {
  all.submitted += one.submitted;
  all.succeeded += one.succeeded;
  all.failed += one.failed;
  all.abandoned += one.abandoned;
  all.accepted += one.accepted;
  all.attempts += one.attempts;
  all.refused += one.refused;
  all.free_retries += one.free_retries;
  for (const auto& [code, n] : one.codes) all.codes[code] += n;
}

void print(const auditor::totals& all) {
  fmt::print(
      "requests {}, succeeded {}, failed {}, abandoned {}; accepted {}, attempts {}, refused {}, "
      "first retries after a death {}\n",
      all.submitted, all.succeeded, all.failed, all.abandoned, all.accepted, all.attempts,
      all.refused, all.free_retries);
  for (const auto& [code, n] : all.codes) fmt::print("  {} {}\n", code, n);
}

/// Runs seeds one after another. Prints a line for each that fails, and the totals.
int run_seeds(std::uint64_t first, std::uint64_t seeds, bool stop) {
  std::uint64_t events = 0, failed = 0;
  auditor::totals all;
  for (auto seed = first; seed < first + seeds; ++seed) {
    if (stop) fmt::print(stderr, "runs {}\n", seed);  // what broke, if this process does
    const auto result = run(draw_scenario(seed));
    events += result.events;
    add(all, result.counts);
    if (!result.broken) continue;
    ++failed;
    fmt::print("failed {} {}: {}\n", seed, invariant_name(result.broken->which),
               result.broken->what);
    std::fflush(stdout);
    if (stop) break;
  }
  fmt::print("ran {} seeds, {} failed, {} events\n", seeds, failed, events);
  print(all);
  return failed > 0 ? 1 : 0;
}

}  // namespace

}  // namespace coppice::simulation

int main(int argc, char** argv) {
  using namespace coppice::simulation;
  CLI::App app{"Runs the cluster's decision classes on one event queue, from a seed."};
  std::uint64_t first = 1, seeds = 1;
  std::size_t lines = 300;
  bool whole = false, stop = false;
  std::optional<std::uint64_t> seed;
  app.add_option("--first", first, "First seed");
  app.add_option("--seeds", seeds, "How many seeds");
  app.add_option("--seed", seed, "One seed, with its story");
  app.add_option("--lines", lines, "Most lines of a story");
  app.add_flag("--whole", whole, "A story of everything, not only of what broke");
  app.add_flag("--stop", stop, "Stop at the first seed that fails");
  CLI11_PARSE(app, argc, argv);
  if (seed) return tell(*seed, std::cout, lines, whole).broken ? 1 : 0;
  return run_seeds(first, seeds, stop);
}
