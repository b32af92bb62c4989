#pragma once

#include "actors/supervisor.hpp"
#include "base/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

/// The node's level above its workers.
struct supervision_options {
  actors::restart_options restart;
  /// After so long one trial start is made of what is in quarantine.
  duration probe_every = 300s;
  /// How long all engines are in quarantine before the process gives up: time for the last
  /// snapshot, with every reason in it, to be sent.
  duration farewell = 1s;
};

/// Supervises a node's engines: each alone (one-for-one), or those that name the same group
/// together (all-for-one). An engine or group that exceeds its intensity is quarantined, its
/// siblings go on, and it is tried once each `probe_every`. When all are quarantined this level
/// gives up too, and a fresh process is next. Pure.
class node_supervision {
 public:
  /// @param groups  the group of each engine, empty for none.
  node_supervision(const std::vector<std::string>& groups, supervision_options options);

  struct orders {
    /// Engines to be stopped now.
    std::vector<std::size_t> stop;
    /// The engine, with all of its group, has just been quarantined.
    bool quarantined = false;
  };
  /// @param draw  uniform in [0, 1).
  [[nodiscard]] orders ended(std::size_t engine, steady_time now, double draw);
  void ready(std::size_t engine, steady_time now);
  /// Others, which are ready, stand in the place of the engine and of its group: nothing of what
  /// happened before counts for them.
  void replaced(std::size_t engine, steady_time now);
  /// Engines to be started now.
  [[nodiscard]] std::vector<std::size_t> due(steady_time now);
  /// When to call `due` or look at `gives_up` next; nothing while all waits for ends.
  [[nodiscard]] std::optional<steady_time> next_due() const;
  [[nodiscard]] bool gives_up(steady_time now) const;
  [[nodiscard]] bool is_quarantined(std::size_t engine) const;
  /// Its last start was one out of quarantine.
  [[nodiscard]] bool is_in_trial(std::size_t engine) const;
  [[nodiscard]] actors::strategy strategy_of(std::size_t engine) const;

 private:
  struct supervised {
    std::vector<std::size_t> engines;
    actors::supervisor restarts;
    /// In quarantine: when it is tried again.
    std::optional<steady_time> probe_at;
  };
  /// Where an engine is found: its unit, and its place in it.
  struct place {
    std::size_t unit, member;
  };

  supervision_options options_;
  std::vector<supervised> units_;
  std::vector<place> places_;
  /// Since when every unit is in quarantine.
  std::optional<steady_time> all_lost_;
};

}  // namespace coppice::worker
