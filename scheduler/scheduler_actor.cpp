#include "scheduler/scheduler_actor.hpp"

#include "base/log.hpp"
#include "scheduler/scheduler_metrics.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <unistd.h>

namespace coppice::scheduler {

namespace {

/// The scheduler's own messages on top of its public interface: a health turn.
using scheduler_self = proto::scheduler_actor::extend<proto::rpc<void(caf::tick_atom)>>;

struct gateway_entry {
  proto::gateway_state state;
  proto::gateway_actor actor;
};

struct scheduler_state {
  scheduler_options options;
  std::unique_ptr<scheduler_metrics> counts;
  std::unique_ptr<cluster_view> view;
  std::map<std::string, gateway_entry> gateways;
  std::map<std::string, proto::node_actor> nodes;
  static inline const char* name = "scheduler";
};

using self_ptr = scheduler_self::stateful_pointer<scheduler_state>;

template <class Message>
void tell_all(self_ptr self, const Message& message) {
  for (const auto& [name, gateway] : self->state.gateways) self->send(gateway.actor, message);
}

void tell(self_ptr self, const proto::engine_down& down) {
  tell_all(self, down);  // before the log: requests wait for it
  log(log_level::warn, "engine_down", {kv("engine", down.engine), kv("reason", down.reason)});
  self->state.counts->engines_lost.Increment();
}

void tell(self_ptr self, const proto::judgement& judged) {
  self->state.counts->count(judged);
  tell_all(self, judged);
}

void note(self_ptr self, const verdicts::change& change) {
  self->state.counts->count(change);
  log(log_level::info, "verdict",
      {kv("engine", change.engine), kv("verdict", change.now.verdict),
       kv("reason", change.now.reason)});
}

/// Tells everybody what is new.
void publish(self_ptr self, const cluster_view::news& news) {
  auto& state = self->state;
  for (const auto& down : news.downs) tell(self, down);
  for (const auto& judged : news.judgements) tell(self, judged);
  for (const auto& change : news.standings) note(self, change);
  for (const auto& [gateway, notice] : news.notices)
    if (const auto to = state.gateways.find(gateway); to != state.gateways.end())
      self->send(to->second.actor, notice);
  state.counts->nodes_silent.Increment(static_cast<double>(news.silent_nodes));
  if (news.catalogue_changed) tell_all(self, state.view->catalogue());
}

void drop_gateway(self_ptr self, const std::string& name) {
  self->state.gateways.erase(name);
  publish(self, self->state.view->gateway_gone(name, self->clock().now()));
}

void add_gateway(self_ptr self, const proto::gateway_state& gateway,
                 const proto::gateway_actor& actor) {
  auto& state = self->state;
  const auto known = state.gateways.find(gateway.name);
  if (known != state.gateways.end() && known->second.actor != actor)
    drop_gateway(self, gateway.name);
  if (state.gateways.insert_or_assign(gateway.name, gateway_entry{gateway, actor}).second)
    self->monitor(actor);
  self->send(actor, state.view->catalogue());
  for (const auto& judged : state.view->gateway_joined(gateway.name, self->clock().now()))
    self->send(actor, judged);
}

void take_snapshot(self_ptr self, const proto::node_snapshot& snapshot,
                   const proto::node_actor& actor) {
  auto& known = self->state.nodes[snapshot.node];
  if (known != actor) {
    self->monitor(actor);
    known = actor;
  }
  publish(self, self->state.view->take(snapshot, self->clock().now()));
  self->send(actor, snapshot.seq);
}

proto::place_reply place(self_ptr self, const proto::place_request& request) {
  auto& state = self->state;
  auto reply = state.view->place(request, self->clock().now());
  state.counts->places.Increment();
  state.counts->refused.Increment(static_cast<double>(reply.refused.size()));
  for (const auto& grant : reply.grants) state.counts->granted.Increment(grant.rows);
  return reply;
}

/// Passes the order on to the node of its target. Nothing is lost if that ends: asking again, as
/// one does to wait for the end of a drain, orders again.
proto::drain_status drain(self_ptr self, const proto::drain_order& order) {
  auto& state = self->state;
  const auto node = state.nodes.find(order.target.substr(0, order.target.find('/')));
  auto status = state.view->drain_status(order.target);
  if (node == state.nodes.end() || status.state == "unknown") return status;
  const bool done = order.drain ? status.state == "drained" : status.state == "serving";
  if (!done) self->send(node->second, order);
  return status;
}

/// The node answers for itself.
caf::result<proto::apply_status> apply(self_ptr self, const proto::apply_order& order) {
  const auto& nodes = self->state.nodes;
  const auto node = nodes.find(order.node);
  if (node != nodes.end()) return self->delegate(node->second, order);
  proto::apply_status unknown;
  unknown.node = order.node;
  unknown.error = self->state.view->unknown_target(order.node);
  return unknown;
}

void lost(self_ptr self, const caf::down_msg& down) {
  auto& state = self->state;
  const auto is_it = [&](const auto& actor) { return actor.address() == down.source; };
  for (const auto& [name, gateway] : state.gateways)
    if (is_it(gateway.actor)) return drop_gateway(self, std::string{name});
  for (const auto& [name, node] : state.nodes)
    if (is_it(node)) {
      publish(self, state.view->node_ended(name, self->clock().now()));
      state.nodes.erase(name);
      return;
    }
}

void health_turn(self_ptr self) {
  publish(self, self->state.view->turn(self->clock().now()));
  if (self->state.counts->count_doubt(self->state.view->doubts_itself()))
    log(log_level::warn, "self_doubt");
  self->delayed_send(self, self->state.options.view.verdicts.turn, caf::tick_atom::value);
}

proto::cluster_status status(self_ptr self) {
  auto& state = self->state;
  proto::cluster_status all;
  all.scheduler = state.options.name;
  all.scheduler_pid = ::getpid();
  for (const auto& [name, gateway] : state.gateways) all.gateways.push_back(gateway.state);
  all.nodes = state.view->nodes(self->clock().now());
  // What opens a link is for gateways, in grants.
  for (auto& node : all.nodes)
    for (auto& engine : node.engines) engine.link_key.clear();
  all.warnings = state.options.warnings;
  return all;
}

scheduler_self::behavior_type behavior(self_ptr self, scheduler_options options,
                                       metrics* registry) {
  self->state.view = std::make_unique<cluster_view>(options.view);
  self->state.options = std::move(options);
  self->state.counts = std::make_unique<scheduler_metrics>(*registry);
  self->set_down_handler([self](const caf::down_msg& down) { lost(self, down); });
  self->send(self, caf::tick_atom::value);
  const auto now = [self] { return self->clock().now(); };
  return {
      [self](const proto::gateway_state& gateway, const proto::gateway_actor& actor) {
        add_gateway(self, gateway, actor);
      },
      [self](const proto::place_request& request) { return place(self, request); },
      [self](const proto::node_snapshot& snapshot, const proto::node_actor& actor) {
        take_snapshot(self, snapshot, actor);
      },
      [self, now](const proto::engine_down& down) {
        publish(self, self->state.view->engine_down(down, now()));
      },
      [self](caf::get_atom) { return status(self); },
      [self](const proto::drain_order& order) { return drain(self, order); },
      [self](const proto::apply_order& order) { return apply(self, order); },
      [self](const proto::drain_ack& ack) { self->state.view->acknowledged(ack); },
      [self, now](const proto::suspicion& told) {
        publish(self, self->state.view->suspect(told, now()));
      },
      [self, now](const proto::trial_result& told) {
        publish(self, self->state.view->tried(told, now()));
      },
      [self](caf::tick_atom) { health_turn(self); },
  };
}

}  // namespace

proto::scheduler_actor spawn_scheduler(caf::actor_system& system, scheduler_options options,
                                       metrics& registry) {
  const auto self = system.spawn(behavior, std::move(options), &registry);
  return caf::actor_cast<proto::scheduler_actor>(self);
}

}  // namespace coppice::scheduler
