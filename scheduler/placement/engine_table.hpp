#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "scheduler/health/standing.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::scheduler {

/// What the scheduler knows of every node, from full snapshots: the last one replaces all. It also
/// holds the standing of every engine that is not simply up, for placement to heed.
class engine_table {
 public:
  struct change {
    /// Incarnations that are gone since the last snapshot, with the reason.
    std::vector<proto::engine_down> downs;
    /// The set of models that some engine serves is another one now.
    bool catalogue_changed = false;
    /// The snapshot is newer than the last; an older one changes nothing.
    bool taken = false;
  };

  change take(const proto::node_snapshot& snapshot, steady_time now);
  /// The node is dead or unreachable: all its incarnations are gone.
  /// @param cause  as in `engine_down`: lost or silent.
  change node_lost(const std::string& node, const std::string& reason,
                   const std::string& cause = "lost");
  /// An engine ended, told ahead of the snapshot that shows it. Places nothing there from now on.
  change engine_down(const proto::engine_down& down);
  /// Forgets nodes lost for `long_ago`. @returns their names.
  std::vector<std::string> forget_lost(duration long_ago, steady_time now);
  /// The engine's standing from now on.
  void judge(const std::string& engine, const standing& now);

  /// Engines that may be granted work now and serve `model`; `version` 0: the highest that any
  /// serves.
  struct candidate {
    const proto::engine_state* engine;
    const proto::model_card* card;
    const proto::model_load* load;  ///< null before the first report
    std::uint32_t percent = 100;    ///< share of its rows that may be granted, 1 to 100
  };
  [[nodiscard]] std::vector<candidate> serving(const std::string& model,
                                               std::uint32_t version) const;
  /// What the engines that are up serve, and the pools of all models.
  [[nodiscard]] proto::catalogue catalogue() const;
  /// An engine, and whether its node is lost.
  struct place {
    const proto::engine_state* engine;
    bool lost = false;
  };
  /// Every engine of a node ("node-1"), or those in one place ("node-1/engine-0"); none: unknown.
  [[nodiscard]] std::vector<place> targeted(const std::string& target) const;
  /// Incarnations whose workers show them as draining, ascending.
  [[nodiscard]] const std::vector<incarnation_id>& draining() const noexcept { return draining_; }
  /// Every node, each engine with its standing.
  [[nodiscard]] std::vector<proto::node_snapshot> nodes() const;

 private:
  struct node_entry {
    proto::node_snapshot snapshot;
    steady_time heard;
    bool lost = false;
  };
  /// A card of an engine that takes work: where it stands in its node's snapshot.
  struct served_card {
    const node_entry* node;
    std::size_t engine, card;
  };
  change finish(change so_far);
  void index();
  [[nodiscard]] std::uint32_t percent_of(const std::string& engine) const;
  void remember_models(const proto::node_snapshot& snapshot);
  void forget_engine(const std::string& engine);

  std::map<std::string, node_entry> nodes_;
  proto::catalogue catalogue_;
  /// What takes work and what drains: made anew whenever engines change, which is seldom, so that
  /// neither a `place` nor an event looks at the whole fleet.
  std::unordered_map<std::string, std::vector<served_card>> serving_;
  std::vector<incarnation_id> draining_;
  std::unordered_map<std::string, standing> standings_;
  /// By engine: the names of the models it served last, also while it is started again.
  std::map<std::string, std::vector<std::string>> served_;
};

}  // namespace coppice::scheduler
