#pragma once

#include <string_view>

namespace coppice::gateway {

/// Why an engine ended, as its worker found out: `engine_down.cause`.
enum class death_cause { crash, exit, memory, hang, killed, stopped, silent, lost };

/// @returns `lost` for a name this build does not know: it blames nobody.
[[nodiscard]] constexpr death_cause death_cause_from(std::string_view name) noexcept {
  if (name == "crash") return death_cause::crash;
  if (name == "exit") return death_cause::exit;
  if (name == "memory") return death_cause::memory;
  if (name == "hang") return death_cause::hang;
  if (name == "killed") return death_cause::killed;
  if (name == "stopped") return death_cause::stopped;
  if (name == "silent") return death_cause::silent;
  return death_cause::lost;
}

/// Whether what ran at that moment may have caused it. A kill from outside never blames.
[[nodiscard]] constexpr bool blames(death_cause cause) noexcept {
  return cause == death_cause::crash || cause == death_cause::exit ||
         cause == death_cause::memory || cause == death_cause::hang;
}

}  // namespace coppice::gateway
