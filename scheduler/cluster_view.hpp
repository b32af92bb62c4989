#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "scheduler/drain/drain_watch.hpp"
#include "scheduler/health/verdicts.hpp"
#include "scheduler/placement/engine_table.hpp"
#include "scheduler/placement/placement.hpp"
#include "scheduler/poison/poison_register.hpp"

#include <string>
#include <utility>
#include <vector>

namespace coppice::scheduler {

struct view_options {
  /// Lifetime of granted credit.
  duration credit_ttl = 1s;
  verdict_options verdicts;
  poison_limits poison;
  /// A lost node is shown for this long.
  duration remembered = 10min;
};

/// All that one scheduler knows and decides, without an actor: what nodes report, what is thought
/// of them, where demand is placed, what drains and what is poison. Each event is answered with the
/// news that have to be told. Soft state: full snapshots and full lists of holdings rebuild it.
class cluster_view {
 public:
  explicit cluster_view(view_options options = {});

  struct news {
    /// For every gateway.
    std::vector<proto::engine_down> downs;
    std::vector<proto::judgement> judgements;
    /// For every gateway: the catalogue.
    bool catalogue_changed = false;
    /// By gateway.
    std::vector<std::pair<std::string, proto::drain_notice>> notices;
    /// For log and metrics.
    std::vector<verdicts::change> standings;
    std::size_t silent_nodes = 0;
  };

  news take(const proto::node_snapshot& snapshot, steady_time now);
  news engine_down(const proto::engine_down& down, steady_time now);
  /// The node's process ended or its link broke.
  news node_ended(const std::string& node, steady_time now);
  news suspect(const proto::suspicion& told, steady_time now);
  news tried(const proto::trial_result& told, steady_time now);
  void acknowledged(const proto::drain_ack& ack) { drains_.acknowledged(ack); }
  [[nodiscard]] proto::place_reply place(const proto::place_request& request, steady_time now);

  /// @returns for the new gateway alone: the judgements that hold. It is owed the catalogue, too.
  std::vector<proto::judgement> gateway_joined(const std::string& gateway, steady_time now);
  news gateway_gone(const std::string& gateway, steady_time now);
  /// Call every `options.verdicts.turn`.
  news turn(steady_time now);

  /// Whether, at the last turn, it took the silence of nodes for its own deafness.
  [[nodiscard]] bool doubts_itself() const noexcept { return verdicts_.doubts_itself(); }
  [[nodiscard]] proto::catalogue catalogue() const { return engines_.catalogue(); }
  /// Nodes and engines with their verdicts.
  [[nodiscard]] std::vector<proto::node_snapshot> nodes(steady_time now) const;
  [[nodiscard]] proto::drain_status drain_status(const std::string& target) const {
    return drains_.status(target, engines_);
  }
  /// `not_found`, with the nodes and engines that there are.
  [[nodiscard]] proto::error_body unknown_target(const std::string& target) const {
    return drain_watch::unknown(target, engines_);
  }

 private:
  void add(news& to, engine_table::change change, steady_time now);
  void settle(news& to, steady_time now);

  view_options options_;
  engine_table engines_;
  verdicts verdicts_;
  placement placing_;
  drain_watch drains_;
  poison_register poison_;
};

}  // namespace coppice::scheduler
