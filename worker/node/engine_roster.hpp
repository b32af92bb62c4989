#pragma once

#include "proto/messages/control.hpp"
#include "worker/node/convergence.hpp"
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
///
/// Each configured engine has a place, from 0, in which one engine serves. Engines are counted so
/// that two fit into a place: of n places, engine k and engine k + n are in place k. While a
/// successor takes over both are there; then the other one serves.
class engine_roster {
 public:
  engine_roster(const std::string& node, std::vector<roster_entry> entries,
                supervision_options supervision, duration drain_limit,
                revision_standing standing = {});

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

  /// Engines to be started now, each with its `revision`; none once the node stops.
  [[nodiscard]] std::vector<std::size_t> due(steady_time now);
  [[nodiscard]] std::uint64_t revision(std::size_t k) const {
    return engines_.at(k).state.revision;
  }
  /// An engine that is to be started now comes out of quarantine.
  [[nodiscard]] bool is_trial(std::size_t k) const;
  /// Engines to be stopped now because of a revision: told once.
  [[nodiscard]] std::vector<std::size_t> to_stop(steady_time now);
  /// When to look at `due` and `gives_up` next, if nothing else happens before.
  [[nodiscard]] std::optional<steady_time> next_due() const;
  /// Every engine is in quarantine, and no revision is under way that might help: the process ends,
  /// a fresh one is the next level.
  [[nodiscard]] bool gives_up(steady_time now) const;

  /// As in `convergence`.
  void aim(std::uint64_t target) { convergence_.aim(target); }
  void may_begin(std::uint64_t target) { convergence_.may_begin(target); }
  void fail(std::uint64_t target, std::string why) { convergence_.fail(target, std::move(why)); }
  [[nodiscard]] std::optional<convergence::outcome> take_outcome() {
    return convergence_.take_outcome();
  }
  /// Revisions that engines run or may be started with again.
  [[nodiscard]] std::set<std::uint64_t> revisions() const;

  /// @returns whether the order's target is this node or an engine of it.
  bool order(const proto::drain_order& order);
  /// The node is to end: all its engines drain.
  void begin_stop(steady_time now) { drain_.begin_stop(now); }
  /// Whether the engines may be stopped now: told once.
  [[nodiscard]] bool may_stop(steady_time now);
  /// Whether the engines were stopped and none runs any more.
  [[nodiscard]] bool has_stopped() const;

  /// Every engine that serves is up, or given up.
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] node_look look() const;
  /// Of the engines that serve, and of others while they run.
  [[nodiscard]] std::vector<proto::engine_state> states(steady_time now) const;
  [[nodiscard]] const std::string& name(std::size_t k) const { return engines_.at(k).state.name; }
  [[nodiscard]] std::size_t place(std::size_t k) const noexcept { return k % places_.size(); }

 private:
  struct entry {
    proto::engine_state state;
    std::optional<steady_time> ready_since;
    /// A process runs, or has been ordered to.
    bool running = false;
    /// It was told to stop because of its group.
    bool stopping = false;
    bool started_before = false;
    /// Another one has taken its place; and whether it was told to stop.
    bool leaving = false, dismissed = false;
  };
  struct place_entry {
    /// The engine that serves.
    std::size_t serving = 0;
    /// Ends of its engines.
    restart_history history;
  };
  [[nodiscard]] bool serves(std::size_t k) const { return places_[place(k)].serving == k; }
  /// The other engine of its place.
  [[nodiscard]] std::size_t beside(std::size_t k) const noexcept {
    return (k + places_.size()) % engines_.size();
  }
  void begin(std::size_t k, std::uint64_t revision);
  void take_over(std::size_t place, steady_time now);
  void note_end(std::size_t k, const engine_exit& how, steady_time now);
  void ended_serving(std::size_t k, steady_time now, double draw, ending& out);
  void ended_beside(std::size_t k, const engine_exit& how, steady_time now, double draw);
  [[nodiscard]] std::string reason_of(std::size_t k, const engine_exit& how) const;
  [[nodiscard]] std::string verdict(std::size_t k) const;
  [[nodiscard]] proto::engine_state shown(std::size_t k, steady_time now) const;

  std::string node_;
  std::vector<entry> engines_;
  std::vector<place_entry> places_;
  node_supervision supervision_;
  node_drain drain_;
  convergence convergence_;
  bool stopped_ = false;
};

}  // namespace coppice::worker
