#pragma once

#include "base/clock.hpp"
#include "tests/simulation/draws.hpp"

#include <cstdint>
#include <vector>

namespace coppice::simulation {

using machine_id = std::uint32_t;

/// What is between machines: delays, and what is wrong with them. TCP hides loss, duplicates and
/// reordering of its segments: what is left of them are pauses.
class paths {
 public:
  struct quality {
    /// Of one way, without jitter.
    duration least{50'000};
    /// Mean of what is added to each message.
    duration jitter{20'000};
    /// Share of the messages that a lost segment holds up for a retransmission time-out.
    double loss = 0;
  };

  paths(std::uint32_t machines, draws random);

  void set(machine_id from, machine_id to, const quality& to_be) { at(from, to).now = to_be; }
  [[nodiscard]] const quality& of(machine_id from, machine_id to) { return at(from, to).now; }
  /// How long one message takes.
  [[nodiscard]] duration delay(machine_id from, machine_id to);
  /// Nothing gets from one to the other until as many `unblock` as `block` were called.
  void block(machine_id from, machine_id to, duration now);
  void unblock(machine_id from, machine_id to);
  /// Whether a segment gets through. The way back from a blocked way stalls soon as well: nobody
  /// acknowledges what it carries.
  [[nodiscard]] bool passes(machine_id from, machine_id to, duration now);

 private:
  struct way_state {
    quality now;
    std::uint32_t blocks = 0;
    duration blocked_since{0};
    /// What the other way still carries in that time.
    duration leaks{0};
  };
  way_state& at(machine_id from, machine_id to) { return ways_[from * machines_ + to]; }

  std::uint32_t machines_;
  draws random_;
  std::vector<way_state> ways_;
};

}  // namespace coppice::simulation
