#include "tests/simulation/run.hpp"

#include "tests/simulation/world.hpp"

#include <ostream>

namespace coppice::simulation {

run_result run(const scenario& of, story* tale) {
  auditor audit{of};
  world all{of, audit, tale};
  all.run();
  return {of.seed, all.events(), all.digest(), audit.counts(), audit.first()};
}

run_result tell(std::uint64_t seed, std::ostream& out, std::size_t lines, bool whole) {
  const auto of = draw_scenario(seed);
  story tale;
  const auto result = run(of, &tale);
  const auto& counts = result.counts;
  out << of.summary() << '\n';
  tale.print(out, result.broken && !whole ? result.broken->request : 0, lines);
  out << fmt::format(
      "{} events, digest {:016x}: {} asked, {} succeeded, {} failed, {} abandoned; {} attempts, "
      "{} refused\n",
      result.events, result.digest, counts.submitted, counts.succeeded, counts.failed,
      counts.abandoned, counts.attempts, counts.refused);
  if (result.broken)
    out << fmt::format(
        "BROKEN {}: {}{}\n", invariant_name(result.broken->which), result.broken->what,
        result.broken->request == 0 ? "" : fmt::format(" (request {})", result.broken->request));
  return result;
}

}  // namespace coppice::simulation
