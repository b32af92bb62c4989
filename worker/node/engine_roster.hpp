#pragma once

#include "proto/messages/control.hpp"
#include "worker/node/engine_watch.hpp"
#include "worker/node/node_drain.hpp"
#include "worker/node/node_look.hpp"
#include "worker/node/node_supervision.hpp"
#include "worker/node/restart_history.hpp"

#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

/// An engine as the configuration names it.
struct roster_entry {
  std::string name;
  std::string device;
  /// All-for-one with the engines of the same group; empty: alone.
  std::string group;
};

/// A node's engines: what is known of each, what is to start and stop, who takes work. All
/// decisions of the node actor, and what its snapshots show. Pure.
class engine_roster {
 public:
  engine_roster(const std::string& node, std::vector<roster_entry> entries,
                supervision_options supervision, duration drain_limit);

  void started(std::size_t k, std::int64_t pid);
  /// @returns whether more than its load has changed.
  bool reported(std::size_t k, const proto::engine_report& report, steady_time now);
  void quiet(std::size_t k, bool is_quiet, steady_time now) { drain_.quiet(k, is_quiet, now); }

  struct ending {
    /// To be told to the schedulers; nothing if it had not become ready.
    std::optional<proto::engine_down> down;
    /// Engines of its group, to be stopped now.
    std::vector<std::size_t> stop;
    bool quarantined = false;
  };
  /// @param draw  uniform in [0, 1), for the jitter of the restart.
  [[nodiscard]] ending ended(std::size_t k, const engine_exit& how, steady_time now, double draw);

  /// Engines to be started now; none once the node stops.
  [[nodiscard]] std::vector<std::size_t> due(steady_time now);
  /// An engine that is to be started now comes out of quarantine.
  [[nodiscard]] bool is_trial(std::size_t k) const { return supervision_.is_in_trial(k); }
  /// When to look at `due` and `gives_up` next.
  [[nodiscard]] std::optional<steady_time> next_due() const;
  /// Every engine is in quarantine: the process ends, a fresh one is the next level.
  [[nodiscard]] bool gives_up(steady_time now) const;

  /// @returns whether the order's target is this node or an engine of it.
  bool order(const proto::drain_order& order);
  /// The node is to end: all its engines drain.
  void begin_stop(steady_time now) { drain_.begin_stop(now); }
  /// Whether the engines may be stopped now: told once.
  [[nodiscard]] bool may_stop(steady_time now);
  /// Whether the engines were stopped and none runs any more.
  [[nodiscard]] bool has_stopped() const;

  /// Every engine is up, or given up.
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] node_look look() const;
  [[nodiscard]] std::vector<proto::engine_state> states(steady_time now) const;
  [[nodiscard]] const std::string& name(std::size_t k) const { return engines_.at(k).state.name; }

 private:
  struct entry {
    proto::engine_state state;
    restart_history history;
    std::optional<steady_time> ready_since;
    /// A process runs, or has been ordered to.
    bool running = false;
    /// It was told to stop because of its group.
    bool stopping = false;
    bool started_before = false;
  };
  [[nodiscard]] std::string verdict(std::size_t k) const;

  std::string node_;
  std::vector<entry> engines_;
  node_supervision supervision_;
  node_drain drain_;
  bool stopped_ = false;
};

}  // namespace coppice::worker
