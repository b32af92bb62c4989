#include "worker/node/engine_units.hpp"

#include <algorithm>

namespace coppice::worker {

std::vector<std::vector<std::size_t>> engine_units(const std::vector<std::string>& groups) {
  std::vector<std::vector<std::size_t>> units;
  for (std::size_t k = 0; k < groups.size(); ++k) {
    const auto same = std::ranges::find_if(units, [&](const auto& engines) {
      return !groups[k].empty() && groups[engines.front()] == groups[k];
    });
    if (same == units.end())
      units.push_back({k});
    else
      same->push_back(k);
  }
  return units;
}

}  // namespace coppice::worker
