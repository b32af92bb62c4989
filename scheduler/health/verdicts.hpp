#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "scheduler/health/loop_lag.hpp"
#include "scheduler/health/outlier_watch.hpp"
#include "scheduler/health/silence_watch.hpp"
#include "scheduler/health/slow_start.hpp"
#include "scheduler/health/standing.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::scheduler {

struct verdict_options {
  /// Time between two turns.
  duration turn = 25ms;
  silence_limits silence;
  outlier_limits outliers;
  /// An outlier gets no work for this long; for twice as long the second time, and so on.
  duration quarantine = 30s;
  std::uint32_t longest_streak = 10;
  /// After this long without quarantine the next one counts as the first.
  duration streak_over = 10min;
  /// Share of a model's engines that may be in quarantine as outliers; one may always, but never
  /// the last one that takes work.
  std::uint32_t quarantined_percent = 30;
  /// Time an engine on probation spends at each share of its capacity.
  duration step = 2s;
  /// The same after a stop in good order: its models are warm, its memory and caches are not.
  duration orderly_step = 250ms;
  /// The same for an engine that died `flapping_deaths` times within `flapping_period`.
  duration flapping_step = 10s;
  std::size_t flapping_deaths = 3;
  duration flapping_period = 60s;
  /// An engine is put on probation only if another one of its model has been up for this long.
  duration settled = 8s;
  /// A shard that reports after longer than this reports as if for the first time.
  duration reports_remembered = 10s;
};

/// The one place where verdicts are reached. Evidence comes in (snapshots, ends of incarnations,
/// what gateways saw of attempts, and time); out comes the standing of every engine and node.
/// What its worker says of an engine that is not `up` holds; of those that are up, one is
///   suspect      while its node is silent: no new work (so it stays while gateways get replies
///                of the node's engines),
///   quarantined  as an outlier, for 30 s times the streak: no new work,
///   probation    after a death, a stop or quarantine while others are up: a growing share of its
///                rows, after a stop in good order within a second.
/// A node is suspect or dead by its silence; whoever calls ends the engines of a dead one.
class verdicts {
 public:
  explicit verdicts(verdict_options options = {});

  void heard(const proto::node_snapshot& snapshot, steady_time now);
  /// An incarnation ended. Once for each; unknown ones are ignored.
  void ended(const proto::engine_down& down, steady_time now);
  /// The node's process ended: it is dead at once.
  void node_ended(const std::string& node, const std::string& reason, steady_time now);
  /// What a shard saw of its attempts since its last report. An engine that answered it lived when
  /// that last report was made, and no later moment is certain.
  void reported(const std::string& shard, const std::vector<proto::holding>& holdings,
                steady_time now);
  /// Whether the node is silent here while gateways get replies of its engines: a link that breaks
  /// then is no evidence of its end.
  [[nodiscard]] bool is_vouched_for(const std::string& node, steady_time now) const {
    return silence_.is_vouched_for(node, now);
  }
  /// Call every `options.turn`. @returns the nodes that are dead by their silence since this turn.
  std::vector<std::string> turn(steady_time now);
  /// Whether, at the last turn, it took the silence of nodes for its own deafness.
  [[nodiscard]] bool doubts_itself() const noexcept { return silence_.doubts_itself(); }
  /// Drops a node and its engines.
  void forget_node(const std::string& node);

  /// Of an engine by its name; `up` for one that is not known.
  [[nodiscard]] const standing& of(const std::string& engine) const;
  [[nodiscard]] standing of_node(const std::string& node, steady_time now) const;

  struct change {
    std::string engine;
    /// Whether its verdict is another one, and not only its reason or share.
    bool verdict = false;
    /// Its verdict is empty if the engine is not known any more.
    standing now;
  };
  /// Standings that changed since the last call, in order; the first one of an engine included.
  [[nodiscard]] std::vector<change> take_changes();

 private:
  /// How an engine's last incarnation ended.
  enum class last_end { none, stopped, died };
  struct engine_record {
    std::string name, node;
    incarnation_id incarnation;
    /// What its worker says.
    std::string verdict = "starting", reason;
    std::vector<std::pair<std::string, std::uint32_t>> models;
    steady_time up_since{};
    /// Of this engine's earlier incarnations, within `flapping_period`.
    std::deque<steady_time> deaths;
    last_end ended = last_end::none;
    std::optional<slow_start> probation;
    std::optional<steady_time> quarantined_until;
    steady_time released{};
    std::uint32_t streak = 0;
    std::string outlier_reason;
    bool has_evidence = false;
    standing now{"", "", 0};
  };
  struct node_record {
    std::vector<std::string> engines;
    /// Why its process is known to have ended; empty while it is not.
    std::string ended;
  };

  void start(engine_record& engine, const proto::engine_state& state, steady_time now);
  void stop(engine_record& engine);
  [[nodiscard]] duration step_for(engine_record& engine, steady_time now) const;
  [[nodiscard]] std::optional<steady_time> last_report(const std::string& shard, steady_time now);
  [[nodiscard]] bool others_are_settled(const engine_record& engine, steady_time now) const;
  [[nodiscard]] bool may_quarantine(const engine_record& engine) const;
  void weigh(engine_record& engine, steady_time now);
  void quarantine(engine_record& engine, const std::string& why, steady_time now);
  [[nodiscard]] standing judge(const engine_record& engine, steady_time now) const;
  void settle(engine_record& engine, steady_time now);
  void drop(const std::string& engine);

  verdict_options options_;
  loop_lag lag_;
  silence_watch silence_;
  outlier_watch outliers_;
  std::map<std::string, node_record> nodes_;
  std::map<std::string, engine_record> engines_;
  std::unordered_map<incarnation_id, engine_record*> by_incarnation_;
  /// By shard, of the last `reports_remembered`.
  std::map<std::string, steady_time> reports_;
  std::vector<change> changes_;
};

}  // namespace coppice::scheduler
