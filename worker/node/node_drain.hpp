#pragma once

#include "base/clock.hpp"

#include <optional>
#include <vector>

namespace coppice::worker {

/// Which engines of a node take no new work, and when the last work is done: of an engine that
/// leaves, or of all once the node is to stop. Pure.
class node_drain {
 public:
  /// How long an engine must have nothing open: gateways hold credit that they may still spend
  /// until they have heard of the drain.
  static constexpr duration settle = 250ms;

  /// @param limit  longest time between the request to stop, or to leave, and the stop.
  node_drain(std::size_t engines, duration limit) : engines_(engines), limit_{limit} {}

  void set(std::size_t engine, bool drain) { engines_.at(engine).draining = drain; }
  /// Every engine drains from now on, for good.
  void begin_stop(steady_time now);
  /// That engine drains from now on, until its process has ended.
  void begin_leave(std::size_t engine, steady_time now);
  /// The engine has nothing open (or something again).
  void quiet(std::size_t engine, bool is_quiet, steady_time now);
  /// The engine's process has started or has ended.
  void alive(std::size_t engine, bool is_alive);

  [[nodiscard]] bool is_draining(std::size_t engine) const {
    const auto& it = engines_.at(engine);
    return stop_since_ || it.draining || it.leave_since;
  }
  [[nodiscard]] bool is_stopping() const noexcept { return stop_since_.has_value(); }
  /// Whether the engines may be stopped: nothing is open any more, or the limit has passed.
  [[nodiscard]] bool done(steady_time now) const;
  /// The same of one engine that leaves.
  [[nodiscard]] bool may_leave(std::size_t engine, steady_time now) const;

 private:
  struct entry {
    bool draining = false;
    bool alive = false;
    std::optional<steady_time> quiet_since;
    std::optional<steady_time> leave_since;
  };
  /// @param since  it was asked to end.
  [[nodiscard]] bool is_done(const entry& of, steady_time since, steady_time now) const;

  std::vector<entry> engines_;
  duration limit_;
  std::optional<steady_time> stop_since_;
};

}  // namespace coppice::worker
