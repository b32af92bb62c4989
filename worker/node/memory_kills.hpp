#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace coppice::worker {

/// Whether the kernel has just killed something for want of memory, from the counts it keeps for a
/// control group. Engines of a node may share one, so only growth right before an end is evidence.
class memory_kills {
 public:
  /// How long growth may precede an end: taking down a process of many gigabytes takes a while.
  static constexpr duration window = 2s;

  /// @param count  kills so far; nothing where it cannot be read, which says nothing.
  void see(std::optional<std::uint64_t> count, steady_time now) noexcept;
  /// Whether the count grew within `window` before `now`.
  [[nodiscard]] bool just_grew(steady_time now) const noexcept;

 private:
  std::optional<std::uint64_t> last_;
  std::optional<steady_time> grew_;
};

/// The file that holds the count for the control group of `pid`: memory.events of version 2,
/// memory.oom_control of version 1; empty if there is none.
/// @param groups  text of /proc/<pid>/cgroup. @param root  usually /sys/fs/cgroup.
[[nodiscard]] std::string memory_kills_file(std::string_view groups, const std::string& root);

/// The number after "oom_kill" in such a file's text.
[[nodiscard]] std::optional<std::uint64_t> parse_memory_kills(std::string_view text);

/// That file for a process that lives; empty if there is none.
[[nodiscard]] std::string memory_kills_file_of(pid_t pid);

/// Reads the count now; nothing if the file cannot be read.
[[nodiscard]] std::optional<std::uint64_t> read_memory_kills(const std::string& file);

}  // namespace coppice::worker
