#pragma once

#include "tests/simulation/auditor.hpp"

#include <cstdint>
#include <iosfwd>
#include <optional>

namespace coppice::simulation {

/// What became of one seed.
struct run_result {
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  /// Of all events: equal for equal runs.
  std::uint64_t digest = 0;
  auditor::totals counts;
  std::optional<breach> broken;
};

/// Runs a scenario to its end or its first breach. @param tale  keeps what happened; may be null.
[[nodiscard]] run_result run(const scenario& of, class story* tale = nullptr);

/// Runs a seed again and prints its time line around what broke, and what did.
/// @param lines  at most so many of them.  @param whole  of everything, not only of what broke.
run_result tell(std::uint64_t seed, std::ostream& out, std::size_t lines, bool whole);

}  // namespace coppice::simulation
