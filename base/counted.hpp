#pragma once

#include <cstdint>
#include <string>

namespace coppice {

/// "1 engine", "3 engines".
[[nodiscard]] inline std::string counted(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace coppice
