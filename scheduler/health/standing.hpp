#pragma once

#include <cstdint>
#include <string>

namespace coppice::scheduler {

/// What the scheduler thinks of an engine or node, and why.
struct standing {
  /// starting, up, suspect, dead, hung, draining, quarantined, probation.
  std::string verdict = "up";
  /// One sentence; empty for `up`.
  std::string reason;
  /// Share of its rows that may be granted, 0 to 100.
  std::uint32_t percent = 100;

  friend bool operator==(const standing&, const standing&) = default;
};

}  // namespace coppice::scheduler
