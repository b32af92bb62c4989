#include "tests/simulation/scheduler_host.hpp"

#include "tests/simulation/scheduler_link.hpp"

namespace coppice::simulation {

namespace {

/// As in scheduler/scheduler_actor.cpp.
constexpr duration health_period = 50ms;

}  // namespace

scheduler_host::scheduler_host(world& all, host_id self)
    : world_{all}, self_{self}, placing_{all.of().credit_ttl}, lag_{health_period} {
  all.net().listen(self, scheduler_endpoint(self - all.scheduler(0)));
}

steady_time scheduler_host::turn(std::vector<arrival>& arrived, steady_time now) {
  if (next_health_ == steady_time{}) next_health_ = now + health_period;
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
  if (it.kind == arrival_kind::closed) return lost(it.on);
  auto& what = it.what.control;
  if (const auto* gateway = std::get_if<proto::gateway_state>(&what))
    add_gateway(*gateway, it.on);
  else if (const auto* ask = std::get_if<place_ask>(&what))
    place(*ask, it.on, now);
  else if (const auto* snapshot = std::get_if<proto::node_snapshot>(&what))
    take_snapshot(*snapshot, it.on, now);
  else if (const auto* down = std::get_if<proto::engine_down>(&what))
    publish(engines_.engine_down(*down));
}

void scheduler_host::publish(const scheduler::engine_table::change& change) {
  for (const auto& down : change.downs) {
    world_.tell(self_, 0, "{} {:x} is down: {}", down.engine, down.incarnation.value, down.reason);
    placing_.forget(down.incarnation);
    for (const auto& gateway : gateways_) send_control(world_, gateway.actor, self_, down);
  }
  if (!change.catalogue_changed) return;
  for (const auto& gateway : gateways_)
    send_control(world_, gateway.actor, self_, engines_.catalogue());
}

void scheduler_host::add_gateway(const proto::gateway_state& gateway, connection_id actor) {
  std::erase_if(gateways_, [&](const auto& each) { return each.name == gateway.name; });
  gateways_.push_back({gateway.name, actor});
  send_control(world_, actor, self_, engines_.catalogue());
}

/// A silent node has no engine that takes work, at the latest when its time-out, stretched by the
/// detector's own lag, is over.
void scheduler_host::audit_silence(steady_time now) {
  const auto limit = 4 * world_.of().node_silence + 2 * health_period;
  for (const auto& [name, heard] : heard_) {
    if (now - heard <= limit) continue;
    for (const auto& node : engines_.nodes())
      for (const auto& engine : node.engines)
        if (node.node == name && engine.verdict == "up")
          world_.audit().found(invariant::detection,
                               engine.name + " is up though its node is silent");
  }
}

void scheduler_host::take_snapshot(const proto::node_snapshot& snapshot, connection_id actor,
                                   steady_time now) {
  nodes_[snapshot.node] = actor;
  heard_[snapshot.node] = now;
  publish(engines_.take(snapshot, now));
}

void scheduler_host::place(const place_ask& ask, connection_id from, steady_time now) {
  send_control(world_, from, self_,
               place_answer{ask.token, placing_.place(engines_, ask.demand, now)});
}

void scheduler_host::lost(connection_id source) {
  std::erase_if(gateways_, [&](const gateway_entry& gateway) {
    if (gateway.actor != source) return false;
    placing_.forget_gateway(gateway.name);
    return true;
  });
  for (auto& [node, address] : nodes_)
    if (address == source) {
      address = no_connection;
      publish(engines_.node_lost(node, "its worker process ended"));
    }
}

void scheduler_host::health_turn(steady_time now) {
  const auto silence = lag_.stretch(world_.of().node_silence, now);
  for (const auto& node : engines_.silent(silence, now))
    publish(engines_.node_lost(node, "its snapshots stopped"));
  next_health_ = now + health_period;
}

}  // namespace coppice::simulation
