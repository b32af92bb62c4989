#include "scheduler/scheduler_actor.hpp"

#include "base/log.hpp"
#include "scheduler/health/loop_lag.hpp"
#include "scheduler/placement/engine_table.hpp"
#include "scheduler/placement/placement.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <unistd.h>

namespace coppice::scheduler {

namespace {

constexpr duration health_period = 50ms;

/// The scheduler's own messages on top of its public interface: a health turn.
using scheduler_self = proto::scheduler_actor::extend<proto::rpc<void(caf::tick_atom)>>;

struct scheduler_metrics {
  explicit scheduler_metrics(metrics& registry)
      : places{registry.counter("coppice_scheduler_places_total", "Placement requests answered.")},
        granted{registry.counter("coppice_scheduler_granted_rows_total",
                                 "Rows of credit granted to gateways.")},
        refused{registry.counter("coppice_scheduler_refused_wants_total",
                                 "Wants that got less than they asked for.")},
        engines_lost{registry.counter("coppice_scheduler_engines_lost_total",
                                      "Incarnations that ended, by any evidence.")},
        nodes_silent{registry.counter("coppice_scheduler_nodes_silent_total",
                                      "Nodes declared dead because their snapshots stopped.")} {}
  prometheus::Counter& places;
  prometheus::Counter& granted;
  prometheus::Counter& refused;
  prometheus::Counter& engines_lost;
  prometheus::Counter& nodes_silent;
};

struct gateway_entry {
  proto::gateway_state state;
  proto::gateway_actor actor;
};

struct scheduler_state {
  scheduler_options options;
  std::unique_ptr<scheduler_metrics> counts;
  engine_table engines;
  std::unique_ptr<placement> placing;
  loop_lag lag{health_period};
  std::vector<gateway_entry> gateways;
  std::map<std::string, caf::actor_addr> nodes;
  static inline const char* name = "scheduler";
};

using self_ptr = scheduler_self::stateful_pointer<scheduler_state>;

/// Tells every gateway what ended and, if it changed, what is served now.
void publish(self_ptr self, const engine_table::change& change) {
  auto& state = self->state;
  for (const auto& down : change.downs) {
    log(log_level::warn, "engine_down", {kv("engine", down.engine), kv("reason", down.reason)});
    state.counts->engines_lost.Increment();
    state.placing->forget(down.incarnation);
    for (const auto& gateway : state.gateways) self->send(gateway.actor, down);
  }
  if (!change.catalogue_changed) return;
  const auto catalogue = state.engines.catalogue();
  for (const auto& gateway : state.gateways) self->send(gateway.actor, catalogue);
}

void add_gateway(self_ptr self, const proto::gateway_state& gateway,
                 const proto::gateway_actor& actor) {
  auto& gateways = self->state.gateways;
  std::erase_if(gateways, [&](const auto& each) { return each.state.name == gateway.name; });
  self->monitor(actor);
  gateways.push_back({gateway, actor});
  self->send(actor, self->state.engines.catalogue());
}

void take_snapshot(self_ptr self, const proto::node_snapshot& snapshot,
                   const proto::node_actor& actor) {
  auto& known = self->state.nodes[snapshot.node];
  if (known != actor.address()) {
    self->monitor(actor);
    known = actor.address();
  }
  publish(self, self->state.engines.take(snapshot, self->clock().now()));
  self->send(actor, snapshot.seq);
}

proto::place_reply place(self_ptr self, const proto::place_request& request) {
  auto& state = self->state;
  auto reply = state.placing->place(state.engines, request, self->clock().now());
  state.counts->places.Increment();
  state.counts->refused.Increment(static_cast<double>(reply.refused.size()));
  for (const auto& grant : reply.grants) state.counts->granted.Increment(grant.rows);
  return reply;
}

void lost(self_ptr self, const caf::down_msg& down) {
  auto& state = self->state;
  std::erase_if(state.gateways, [&](const gateway_entry& gateway) {
    if (gateway.actor.address() != down.source) return false;
    state.placing->forget_gateway(gateway.state.name);
    return true;
  });
  for (auto& [node, address] : state.nodes)
    if (address == down.source) {
      address = {};
      publish(self, state.engines.node_lost(node, "its worker process ended"));
    }
}

void health_turn(self_ptr self) {
  auto& state = self->state;
  const auto now = self->clock().now();
  const auto silence = state.lag.stretch(state.options.node_silence, now);
  for (const auto& node : state.engines.silent(silence, now)) {
    state.counts->nodes_silent.Increment();
    publish(self, state.engines.node_lost(node, "its snapshots stopped"));
  }
  self->delayed_send(self, health_period, caf::tick_atom::value);
}

proto::cluster_status status(const scheduler_state& state) {
  proto::cluster_status all;
  all.scheduler = state.options.name;
  all.scheduler_pid = ::getpid();
  for (const auto& gateway : state.gateways) all.gateways.push_back(gateway.state);
  all.nodes = state.engines.nodes();
  all.warnings = state.options.warnings;
  return all;
}

scheduler_self::behavior_type behavior(self_ptr self, scheduler_options options,
                                       metrics* registry) {
  self->state.placing = std::make_unique<placement>(options.credit_ttl);
  self->state.options = std::move(options);
  self->state.counts = std::make_unique<scheduler_metrics>(*registry);
  self->set_down_handler([self](const caf::down_msg& down) { lost(self, down); });
  self->delayed_send(self, health_period, caf::tick_atom::value);
  return {
      [self](const proto::gateway_state& gateway, const proto::gateway_actor& actor) {
        add_gateway(self, gateway, actor);
      },
      [self](const proto::place_request& request) { return place(self, request); },
      [self](const proto::node_snapshot& snapshot, const proto::node_actor& actor) {
        take_snapshot(self, snapshot, actor);
      },
      [self](const proto::engine_down& down) {
        publish(self, self->state.engines.engine_down(down));
      },
      [self](caf::get_atom) { return status(self->state); },
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
