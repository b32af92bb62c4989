#include "tests/simulation/story.hpp"

#include <fmt/format.h>

#include <ostream>

namespace coppice::simulation {

std::vector<const story::line*> story::chosen(std::uint64_t request) const {
  auto from = duration::min();
  for (const auto& each : lines_)
    if (request != 0 && each.request == request) {
      from = each.at - 3s;
      break;
    }
  std::vector<const line*> all;
  for (const auto& each : lines_) {
    const bool about_all = each.request == 0 && each.at >= from;
    if (about_all || each.request == request || request == 0) all.push_back(&each);
  }
  return all;
}

void story::print(std::ostream& out, std::uint64_t request, std::size_t most) const {
  const auto all = chosen(request);
  const auto skipped = all.size() > most ? all.size() - most : 0;
  if (skipped > 0) out << "   ... " << skipped << " earlier lines\n";
  for (auto i = skipped; i < all.size(); ++i) {
    const auto& each = *all[i];
    const auto seconds = std::chrono::duration<double>(each.at).count();
    const auto tag = each.request != 0 ? fmt::format("#{}", each.request) : "";
    out << fmt::format("{:11.6f}  {:<18} {:<6} {}\n", seconds, each.who, tag, each.what);
  }
}

}  // namespace coppice::simulation
