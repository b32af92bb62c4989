#include "tests/simulation/scheduler_host.hpp"

#include "tests/simulation/scheduler_link.hpp"

#include <algorithm>

namespace coppice::simulation {

scheduler_host::scheduler_host(world& all, host_id self)
    : world_{all}, self_{self}, view_{all.of().scheduler} {
  all.net().listen(self, scheduler_endpoint(self - all.scheduler(0)));
}

void scheduler_host::thawed(duration lasted) {
  for (auto& [node, heard] : heard_) heard += lasted;
}

steady_time scheduler_host::turn(std::vector<arrival>& arrived, steady_time now) {
  if (world_.wants_stop(self_)) {
    world_.exit(self_, {exited(0), "stopped by SIGTERM", {}});
    return now;
  }
  if (next_health_ == steady_time{}) next_health_ = now;
  // A late actor finds its tick and its messages in one mailbox, in any order.
  const bool due = now >= next_health_;
  const bool tick_first = due && world_.random().chance(0.5);
  if (tick_first) health_turn(now);
  for (auto& each : arrived) take(each, now);
  if (due && !tick_first) health_turn(now);
  if (due) audit_silence(now);
  return next_health_;
}

void scheduler_host::take(arrival& it, steady_time now) {
  if (it.kind == arrival_kind::closed) return lost(it.on, now);
  auto& what = it.what.control;
  if (const auto* gateway = std::get_if<proto::gateway_state>(&what))
    add_gateway(*gateway, it.on, now);
  else if (const auto* ask = std::get_if<place_ask>(&what))
    place(*ask, it.on, now);
  else if (const auto* snapshot = std::get_if<proto::node_snapshot>(&what))
    take_snapshot(*snapshot, it.on, now);
  else if (const auto* down = std::get_if<proto::engine_down>(&what))
    publish(view_.engine_down(*down, now));
  else if (const auto* told = std::get_if<proto::suspicion>(&what))
    publish(view_.suspect(*told, now));
  else if (const auto* result = std::get_if<proto::trial_result>(&what))
    publish(view_.tried(*result, now));
  else if (const auto* ack = std::get_if<proto::drain_ack>(&what))
    view_.acknowledged(*ack);
  else if (const auto* order = std::get_if<proto::drain_order>(&what))
    drain(*order);
}

template <class Message>
void scheduler_host::tell_all(const Message& message) {
  for (const auto& [name, actor] : gateways_) send_control(world_, actor, self_, message);
}

void scheduler_host::publish(const scheduler::cluster_view::news& news) {
  for (const auto& down : news.downs) {
    world_.tell(self_, 0, "{} {:x} is down ({}, {} suspects): {}", down.engine,
                down.incarnation.value, down.cause, down.suspects.size(), down.reason);
    tell_all(down);
  }
  for (const auto& judged : news.judgements) {
    world_.tell(self_, 0, "judges a content: {} {}", judged.verdict, judged.gateway);
    tell_all(judged);
  }
  for (const auto& change : news.standings)
    world_.tell(self_, 0, "{} is {}: {}", change.engine, change.now.verdict, change.now.reason);
  for (const auto& [gateway, notice] : news.notices)
    if (const auto to = gateways_.find(gateway); to != gateways_.end())
      send_control(world_, to->second, self_, notice);
  if (news.catalogue_changed) tell_all(view_.catalogue());
}

// --- gateways ------------------------------------------------------------------------------

void scheduler_host::drop_gateway(const std::string& name, steady_time now) {
  gateways_.erase(name);
  publish(view_.gateway_gone(name, now));
}

void scheduler_host::add_gateway(const proto::gateway_state& gateway, connection_id actor,
                                 steady_time now) {
  const auto known = gateways_.find(gateway.name);
  if (known != gateways_.end() && known->second != actor) drop_gateway(gateway.name, now);
  gateways_[gateway.name] = actor;
  send_control(world_, actor, self_, view_.catalogue());
  for (const auto& judged : view_.gateway_joined(gateway.name, now))
    send_control(world_, actor, self_, judged);
}

void scheduler_host::place(const place_ask& ask, connection_id from, steady_time now) {
  send_control(world_, from, self_, place_answer{ask.token, view_.place(ask.demand, now)});
}

// --- nodes ---------------------------------------------------------------------------------

void scheduler_host::take_snapshot(const proto::node_snapshot& snapshot, connection_id actor,
                                   steady_time now) {
  nodes_[snapshot.node] = actor;
  heard_[snapshot.node] = now;
  publish(view_.take(snapshot, now));
}

void scheduler_host::drain(const proto::drain_order& order) {
  const auto node = nodes_.find(order.target.substr(0, order.target.find('/')));
  const auto status = view_.drain_status(order.target);
  if (node == nodes_.end() || status.state == "unknown") return;
  const bool done = order.drain ? status.state == "drained" : status.state == "serving";
  if (!done) send_control(world_, node->second, self_, order);
}

void scheduler_host::lost(connection_id source, steady_time now) {
  for (const auto& [name, actor] : gateways_)
    if (actor == source) return drop_gateway(std::string{name}, now);
  for (const auto& [name, actor] : nodes_)
    if (actor == source) {
      publish(view_.node_ended(name, now));
      nodes_.erase(name);
      return;
    }
}

// --- health --------------------------------------------------------------------------------

void scheduler_host::health_turn(steady_time now) {
  publish(view_.turn(now));
  next_health_ = now + world_.of().scheduler.verdicts.turn;
}

/// An engine of a silent node takes no work, at the latest when the time-out, stretched by the
/// detector's own lag, is over.
void scheduler_host::audit_silence(steady_time now) {
  const auto& limits = world_.of().scheduler.verdicts;
  const auto limit = 4 * limits.silence.suspect_after + 2 * limits.turn;
  const auto is_silent = [&](const auto& each) { return now - each.second > limit; };
  if (std::none_of(heard_.begin(), heard_.end(), is_silent)) return;
  for (const auto& node : view_.nodes(now)) {
    const auto heard = heard_.find(node.node);
    if (heard == heard_.end() || now - heard->second <= limit) continue;
    for (const auto& engine : node.engines)
      if (engine.verdict == "up" || engine.verdict == "probation")
        world_.audit().found(invariant::detection,
                             engine.name + " is up though its node is silent");
  }
}

}  // namespace coppice::simulation
