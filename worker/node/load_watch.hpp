#pragma once

#include "base/clock.hpp"
#include "worker/node/progress_watch.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace coppice::worker {

/// Judges whether an engine hangs while it starts: from its start to its first model, and with each
/// model, whose time grows with its file. Time counts only as far as it was watched, as in
/// `progress_watch`.
class load_watch {
 public:
  explicit load_watch(hang_limits limits = {}) : limits_{limits} {}

  /// The engine has begun with that model. @param bytes  that it reads for it.
  void begun(std::string model, std::uint64_t bytes);
  /// Call it often until the engine is ready.
  [[nodiscard]] std::optional<standstill> look(steady_time now);

 private:
  hang_limits limits_;
  std::string model_;
  std::uint64_t bytes_ = 0;
  std::optional<steady_time> last_look_;
  /// Watched since it began.
  duration watched_{0};
};

}  // namespace coppice::worker
