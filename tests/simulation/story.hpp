#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace coppice::simulation {

/// What happened in a run, line by line: kept only when a failed seed is run again.
class story {
 public:
  /// @param request  the request the line is about; 0: the cluster as a whole.
  void tell(duration at, std::string who, std::string what, std::uint64_t request = 0) {
    lines_.push_back({at, std::move(who), std::move(what), request});
  }
  /// Prints every line about `request`, and among them the last lines about the cluster from
  /// 3 s ahead of its first line on; without a request the lines of all. At most the last `most`.
  void print(std::ostream& out, std::uint64_t request, std::size_t most) const;

 private:
  struct line {
    duration at{0};
    std::string who, what;
    std::uint64_t request = 0;
  };
  [[nodiscard]] std::vector<const line*> chosen(std::uint64_t request) const;

  std::vector<line> lines_;
};

}  // namespace coppice::simulation
