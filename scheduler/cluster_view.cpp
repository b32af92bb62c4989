#include "scheduler/cluster_view.hpp"

namespace coppice::scheduler {

cluster_view::cluster_view(view_options options)
    : options_{options},
      verdicts_{options.verdicts},
      placing_{options.credit_ttl},
      poison_{options.poison} {}

void cluster_view::add(news& to, engine_table::change change, steady_time now) {
  for (auto& down : change.downs) {
    verdicts_.ended(down, now);
    placing_.forget(down.incarnation);
    to.downs.push_back(std::move(down));
  }
  to.catalogue_changed = to.catalogue_changed || change.catalogue_changed;
}

/// Hands new standings to placement and collects what is due for gateways.
void cluster_view::settle(news& to, steady_time now) {
  for (auto& change : verdicts_.take_changes()) {
    if (!change.now.verdict.empty()) engines_.judge(change.engine, change.now);
    if (change.verdict) to.standings.push_back(std::move(change));
  }
  to.notices = drains_.due(engines_, now);
}

cluster_view::news cluster_view::take(const proto::node_snapshot& snapshot, steady_time now) {
  news out;
  auto change = engines_.take(snapshot, now);
  if (!change.taken) return out;
  add(out, std::move(change), now);
  verdicts_.heard(snapshot, now);
  settle(out, now);
  return out;
}

cluster_view::news cluster_view::engine_down(const proto::engine_down& down, steady_time now) {
  news out;
  add(out, engines_.engine_down(down), now);
  settle(out, now);
  return out;
}

cluster_view::news cluster_view::node_ended(const std::string& node, steady_time now) {
  const std::string reason = "its worker process ended";
  news out;
  if (verdicts_.is_vouched_for(node, now)) return out;
  add(out, engines_.node_lost(node, reason, "lost"), now);
  verdicts_.node_ended(node, reason, now);
  settle(out, now);
  return out;
}

cluster_view::news cluster_view::suspect(const proto::suspicion& told, steady_time now) {
  news out;
  out.judgements = poison_.suspect(told, now);
  return out;
}

cluster_view::news cluster_view::tried(const proto::trial_result& told, steady_time now) {
  news out;
  if (auto judged = poison_.tried(told, now)) out.judgements.push_back(std::move(*judged));
  return out;
}

proto::place_reply cluster_view::place(const proto::place_request& request, steady_time now) {
  verdicts_.reported(request.gateway + "/" + std::to_string(request.shard), request.holdings, now);
  return placing_.place(engines_, request, now);
}

std::vector<proto::judgement> cluster_view::gateway_joined(const std::string& gateway,
                                                           steady_time now) {
  drains_.gateway_joined(gateway);
  return poison_.live(now);
}

cluster_view::news cluster_view::gateway_gone(const std::string& gateway, steady_time now) {
  placing_.forget_gateway(gateway);
  drains_.gateway_gone(gateway);
  news out;
  out.judgements = poison_.gateway_gone(gateway, now);
  return out;
}

cluster_view::news cluster_view::turn(steady_time now) {
  news out;
  const auto silent = verdicts_.turn(now);
  out.silent_nodes = silent.size();
  for (const auto& node : silent)
    add(out, engines_.node_lost(node, "its snapshots stopped", "silent"), now);
  for (const auto& node : engines_.forget_lost(options_.remembered, now)) {
    verdicts_.forget_node(node);
    out.catalogue_changed = true;
  }
  out.judgements = poison_.turn(now);
  settle(out, now);
  return out;
}

std::vector<proto::node_snapshot> cluster_view::nodes(steady_time now) const {
  auto all = engines_.nodes();
  for (auto& node : all) {
    auto judged = verdicts_.of_node(node.node, now);
    node.verdict = std::move(judged.verdict);
    node.verdict_reason = std::move(judged.reason);
  }
  return all;
}

}  // namespace coppice::scheduler
