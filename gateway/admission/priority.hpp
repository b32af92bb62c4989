#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coppice::gateway {

/// The class of a request, most urgent first.
enum class priority : std::uint8_t { critical, normal, batch };

inline constexpr std::array<priority, 3> priorities{priority::critical, priority::normal,
                                                    priority::batch};

[[nodiscard]] constexpr std::size_t index_of(priority rank) noexcept {
  return static_cast<std::size_t>(rank);
}

/// The wire name of the class.
[[nodiscard]] constexpr std::string_view name_of(priority rank) noexcept {
  constexpr std::array<std::string_view, 3> names{"critical", "normal", "batch"};
  return names[index_of(rank)];
}

/// The class of that wire name; `normal` for any other.
[[nodiscard]] constexpr priority priority_of(std::string_view name) noexcept {
  return name == "critical" ? priority::critical
         : name == "batch"  ? priority::batch
                            : priority::normal;
}

}  // namespace coppice::gateway
