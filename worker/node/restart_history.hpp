#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "worker/node/engine_watch.hpp"

#include <deque>
#include <string>
#include <vector>

namespace coppice::worker {

/// Why an engine ended, the last times it did.
class restart_history {
 public:
  static constexpr std::size_t kept = 16;
  static constexpr std::size_t kept_suspects = 8;

  /// @param reason  instead of the one in `how`, if it is known better.
  void add(steady_time now, const engine_exit& how, std::string reason);
  /// Newest first, at most `most`.
  [[nodiscard]] std::vector<proto::restart_note> notes(steady_time now, std::size_t most) const;

 private:
  struct entry {
    steady_time at;
    proto::restart_note note;
  };
  std::deque<entry> entries_;  // newest first
};

}  // namespace coppice::worker
