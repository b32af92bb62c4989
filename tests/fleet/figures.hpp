#pragma once

#include <string>
#include <vector>

namespace coppice::fleet {

class cluster;

/// One figure of a run, and what it should do where fleets of several sizes are compared.
struct figure {
  std::string name;
  std::string unit;
  double value = 0;
  /// Of work that should grow as the fleet does, and no faster.
  bool grows = false;
};

/// What was counted of a cluster since it started, after it was measured and before it finishes.
[[nodiscard]] std::vector<figure> figures_of(cluster& all);

/// How `values` grow with `sizes`: the exponent of the power that fits best (1: in proportion; 0:
/// not at all). Not a number if there are fewer than two, or one is not positive.
[[nodiscard]] double growth(const std::vector<double>& sizes, const std::vector<double>& values);

}  // namespace coppice::fleet
