#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <map>
#include <string>
#include <vector>

namespace coppice::scheduler {

/// What the scheduler knows of every node, from full snapshots: the last one replaces all.
class engine_table {
 public:
  struct change {
    /// Incarnations that are gone since the last snapshot, with the reason.
    std::vector<proto::engine_down> downs;
    /// The set of models that some engine serves is another one now.
    bool catalogue_changed = false;
  };

  change take(const proto::node_snapshot& snapshot, steady_time now);
  /// The node is dead or unreachable: all its incarnations are gone.
  change node_lost(const std::string& node, const std::string& reason);
  /// An engine ended, told ahead of the snapshot that shows it. Places nothing there from now on.
  change engine_down(const proto::engine_down& down);
  /// Nodes whose last snapshot is older than `silence`.
  [[nodiscard]] std::vector<std::string> silent(duration silence, steady_time now) const;

  /// Engines that take work now and serve `model`; `version` 0: the highest that any serves.
  struct candidate {
    const proto::engine_state* engine;
    const proto::model_card* card;
    const proto::model_load* load;  ///< null before the first report
  };
  [[nodiscard]] std::vector<candidate> serving(const std::string& model,
                                               std::uint32_t version) const;
  [[nodiscard]] proto::catalogue catalogue() const;
  [[nodiscard]] std::vector<proto::node_snapshot> nodes() const;

 private:
  struct node_entry {
    proto::node_snapshot snapshot;
    steady_time heard;
    bool lost = false;
  };
  change finish(change so_far);

  std::map<std::string, node_entry> nodes_;
  std::vector<proto::model_card> catalogue_;
};

}  // namespace coppice::scheduler
