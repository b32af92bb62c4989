#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <deque>
#include <string>
#include <vector>

namespace coppice::worker {

/// Why an engine ended, the last times it did.
class restart_history {
 public:
  static constexpr std::size_t kept = 16;

  void add(steady_time now, std::string cause, std::string reason);
  /// Newest first, at most `most`.
  [[nodiscard]] std::vector<proto::restart_note> notes(steady_time now, std::size_t most) const;

 private:
  struct entry {
    steady_time at;
    std::string cause, reason;
  };
  std::deque<entry> entries_;  // newest first
};

}  // namespace coppice::worker
