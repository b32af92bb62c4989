#include "worker/node/node_actor.hpp"

#include "actors/scheduler_dialler.hpp"
#include "actors/system.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "worker/node/node_metrics.hpp"
#include "worker/node/worker_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr duration snapshot_period = 100ms;

struct node_state {
  proto::node_snapshot snapshot;
  std::shared_ptr<engine_figures> figures;
  std::vector<worker_actor> workers;
  std::vector<caf::actor> diallers;
  std::map<std::uint32_t, proto::scheduler_actor> schedulers;
  static inline const char* name = "node";
};

using self_ptr = node_self::stateful_pointer<node_state>;

void send_snapshot(self_ptr self) {
  auto& state = self->state;
  ++state.snapshot.seq;
  const auto own = caf::actor_cast<proto::node_actor>(self);
  for (const auto& [rank, scheduler] : state.schedulers) self->send(scheduler, state.snapshot, own);
}

void take_change(self_ptr self, const engine_changed& change) {
  auto& engine = self->state.snapshot.engines[change.k];
  const bool only_load = engine.verdict == change.state.verdict && engine.pid == change.state.pid;
  engine = change.state;
  self->state.figures->set(self->state.snapshot.engines);
  if (!only_load) send_snapshot(self);
}

void dial_all(self_ptr self, const std::vector<std::string>& schedulers) {
  const auto to = caf::actor_cast<node_self>(self);
  std::uint32_t rank = 0;
  for (const auto& each : schedulers) {
    if (const auto where = actors::split_endpoint(each))
      self->state.diallers.push_back(actors::dial_scheduler(
          self->system(), where->first, where->second,
          {[to, rank](proto::scheduler_actor found) { caf::anon_send(to, std::move(found), rank); },
           [to, rank](const std::string&) { caf::anon_send(to, rank, false); }}));
    else
      log(log_level::error, "scheduler_ignored", {kv("reason", where.error().message)});
    ++rank;
  }
}

void spawn_workers(self_ptr self, const node_options& options) {
  auto& state = self->state;
  state.snapshot.engines.resize(options.engines.size());
  for (std::uint32_t k = 0; k < options.engines.size(); ++k) {
    state.snapshot.engines[k].name = engine_name(options, k);
    state.snapshot.engines[k].verdict = "starting";
    state.workers.push_back(
        spawn_worker(self->system(), options, k, caf::actor_cast<node_self>(self)));
  }
}

bool settled(const node_state& state) {
  for (const auto& engine : state.snapshot.engines)
    if (engine.verdict != "up" && engine.verdict != "quarantined") return false;
  return true;
}

void stop_all(self_ptr self) {
  for (const auto& worker : self->state.workers)
    self->send_exit(worker, caf::exit_reason::user_shutdown);
  for (const auto& dialler : self->state.diallers)
    self->send_exit(dialler, caf::exit_reason::user_shutdown);
  self->quit(caf::exit_reason::user_shutdown);
}

node_self::behavior_type behavior(self_ptr self, const node_options& options,
                                  const std::string& metrics_url, metrics* registry) {
  auto& state = self->state;
  state.snapshot.node = options.name;
  state.snapshot.pid = ::getpid();
  state.snapshot.incarnation = {random_id()};
  state.snapshot.metrics_url = metrics_url;
  state.figures = std::make_shared<engine_figures>();
  registry->add(state.figures);
  self->set_exit_handler([self](const caf::exit_msg&) { stop_all(self); });
  spawn_workers(self, options);
  dial_all(self, options.schedulers);
  self->delayed_send(self, snapshot_period, caf::tick_atom::value);
  return {
      [](std::uint64_t) {},
      [](const proto::drain_order&) {},
      [self](const engine_changed& change) { take_change(self, change); },
      [self](const proto::engine_down& down) {
        for (const auto& [rank, scheduler] : self->state.schedulers) self->send(scheduler, down);
      },
      [self](const proto::scheduler_actor& scheduler, std::uint32_t rank) {
        self->state.schedulers[rank] = scheduler;
        send_snapshot(self);
      },
      [self](std::uint32_t rank, bool) { self->state.schedulers.erase(rank); },
      [self](caf::tick_atom) {
        send_snapshot(self);
        self->delayed_send(self, snapshot_period, caf::tick_atom::value);
      },
      [self](caf::get_atom) { return settled(self->state); },
  };
}

}  // namespace

node_self spawn_node(caf::actor_system& system, node_options options, std::string metrics_url,
                     metrics& registry) {
  return system.spawn(behavior, std::move(options), std::move(metrics_url), &registry);
}

}  // namespace coppice::worker
