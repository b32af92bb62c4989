#include "worker/node/node_actor.hpp"

#include "actors/scheduler_dialler.hpp"
#include "actors/system.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "worker/node/engine_roster.hpp"
#include "worker/node/node_metrics.hpp"
#include "worker/node/node_revisions.hpp"
#include "worker/node/worker_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr duration snapshot_period = 100ms;

struct node_state {
  proto::node_snapshot snapshot;
  std::unique_ptr<engine_roster> engines;
  std::shared_ptr<engine_figures> figures;
  std::unique_ptr<node_counts> counts;
  std::unique_ptr<revision_gauges> gauges;
  /// Null if the node keeps no revisions.
  revision_store store;
  std::unique_ptr<node_revisions> revisions;
  /// By engine, as the roster counts them.
  std::vector<worker_actor> workers;
  std::vector<caf::actor> diallers;
  std::map<std::uint32_t, proto::scheduler_actor> schedulers;
  /// When `supervise` is to come; earlier than that a message of it is one that was overtaken.
  std::optional<steady_time> wake_at;
  std::minstd_rand draws{static_cast<std::uint32_t>(random_id())};
  static inline const char* name = "node";
};

using self_ptr = node_self::stateful_pointer<node_state>;

steady_time time_of(self_ptr self) { return self->clock().now(); }

void send_snapshot(self_ptr self) {
  auto& state = self->state;
  ++state.snapshot.seq;
  state.snapshot.engines = state.engines->states(time_of(self));
  state.revisions->show_in(state.snapshot);
  state.figures->set(state.snapshot.engines);
  state.gauges->set(state.snapshot);
  const auto own = caf::actor_cast<proto::node_actor>(self);
  for (const auto& [rank, scheduler] : state.schedulers) self->send(scheduler, state.snapshot, own);
}

/// Ends this level and all below it.
void end(self_ptr self, caf::error reason) {
  for (const auto& worker : self->state.workers)
    self->send_exit(worker, caf::exit_reason::user_shutdown);
  for (const auto& dialler : self->state.diallers)
    self->send_exit(dialler, caf::exit_reason::user_shutdown);
  if (self->state.store) self->send_exit(self->state.store, caf::exit_reason::user_shutdown);
  self->quit(std::move(reason));
}

void give_up(self_ptr self, const std::string& why) {
  log(log_level::error, "node_gives_up", {kv("reason", why)});
  end(self, caf::make_error(caf::sec::runtime_error, why));
}

void wake(self_ptr self, steady_time now, std::optional<steady_time> at) {
  auto& wake_at = self->state.wake_at;
  // What is due and was not done is held back: the next tick looks at it again.
  if (!at || *at <= now || (wake_at && *wake_at <= *at)) return;
  wake_at = at;
  self->delayed_send(self, *at - now, supervise{});
}

/// Starts what is due, ends what has given up, and comes back when there is more.
void supervise_now(self_ptr self) {
  auto& state = self->state;
  const auto now = time_of(self);
  if (state.engines->gives_up(now)) return give_up(self, "every engine is in quarantine");
  const auto due = state.engines->due(now);
  for (const auto k : due) {
    if (state.engines->is_trial(k)) state.counts->tried(state.engines->place(k));
    self->send(state.workers[k], start_engine{state.revisions->models(state.engines->revision(k))});
  }
  for (const auto k : state.engines->to_stop(now)) self->send(state.workers[k], stop_engine{});
  state.revisions->look();
  if (!due.empty()) send_snapshot(self);
  wake(self, now, state.engines->next_due());
}

void take_wake(self_ptr self) {
  auto& wake_at = self->state.wake_at;
  if (wake_at && time_of(self) < *wake_at) return;
  wake_at.reset();
  supervise_now(self);
}

void take_started(self_ptr self, const engine_started& it) {
  self->state.engines->started(it.k, it.pid);
  send_snapshot(self);
}

void take_report(self_ptr self, const engine_reported& it) {
  auto& engines = *self->state.engines;
  if (it.report.op == "loading")
    log(log_level::info, "engine_loading",
        {kv("engine", engines.name(it.k)), kv("model", it.report.text)});
  if (!engines.reported(it.k, it.report, time_of(self))) return;
  log(log_level::info, "engine_up", {kv("engine", engines.name(it.k))});
  send_snapshot(self);
  supervise_now(self);
}

void log_end(const std::string& engine, const engine_exit& how, bool quarantined) {
  const auto level = how.cause == exit_cause::stopped ? log_level::info : log_level::warn;
  log(level, "engine_ended",
      {kv("engine", engine), kv("cause", cause_name(how.cause)), kv("reason", how.reason)});
  if (quarantined) log(log_level::error, "engine_quarantined", {kv("engine", engine)});
}

void take_end(self_ptr self, const engine_ended& it) {
  auto& state = self->state;
  const double draw = std::uniform_real_distribution<>{}(state.draws);
  const auto ending = state.engines->ended(it.k, it.how, time_of(self), draw);
  // Before all else: requests wait for it.
  if (ending.down)
    for (const auto& [rank, scheduler] : state.schedulers) self->send(scheduler, *ending.down);
  const auto place = state.engines->place(it.k);
  state.counts->ended(place, it.how.cause);
  if (ending.quarantined) state.counts->escalated(place);
  log_end(state.engines->name(it.k), it.how, ending.quarantined);
  for (const auto k : ending.stop) self->send(state.workers[k], stop_engine{});
  send_snapshot(self);
  supervise_now(self);
}

void take_order(self_ptr self, const proto::drain_order& order) {
  if (!self->state.engines->order(order)) return;
  log(log_level::info, order.drain ? "drain_ordered" : "drain_taken_back",
      {kv("target", order.target)});
  send_snapshot(self);
}

caf::result<proto::apply_status> take_apply(self_ptr self, const proto::apply_order& order) {
  auto& revisions = *self->state.revisions;
  if (auto answer = revisions.answer(order)) return std::move(*answer);
  auto promise = self->make_response_promise<proto::apply_status>();
  revisions.take(
      order, [promise](proto::apply_status status) mutable { promise.deliver(std::move(status)); });
  return promise;
}

void begin_stop(self_ptr self) {
  self->state.engines->begin_stop(time_of(self));
  log(log_level::info, "node_drains");
  send_snapshot(self);
}

void tick(self_ptr self) {
  auto& state = self->state;
  supervise_now(self);
  send_snapshot(self);
  if (state.engines->may_stop(time_of(self)))
    for (const auto& worker : state.workers) self->send(worker, stop_engine{});
  if (state.engines->has_stopped()) return end(self, caf::exit_reason::user_shutdown);
  self->delayed_send(self, snapshot_period, caf::tick_atom::value);
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
  const auto times = make_step_times();
  for (std::uint32_t k = 0; k < 2 * options.engines.size(); ++k) {
    self->state.workers.push_back(
        spawn_worker(self->system(), options, k, caf::actor_cast<node_self>(self), times));
    self->monitor(self->state.workers.back());
  }
}

revision_store open_store(self_ptr self, const node_options& options) {
  if (options.state.empty()) return {};
  const auto node = caf::actor_cast<node_self>(self);
  return spawn_revision_store(self->system(), options.state, options.trusted_keys,
                              {[node](record_kept it) { caf::anon_send(node, std::move(it)); },
                               [node](models_opened it) { caf::anon_send(node, std::move(it)); }});
}

void make_parts(self_ptr self, const node_options& options, node_beginning from,
                metrics& registry) {
  auto& state = self->state;
  state.engines = std::make_unique<engine_roster>(
      options.name, roster_of(options), options.supervision, options.drain, from.record.standing());
  state.store = open_store(self, options);
  state.revisions =
      std::make_unique<node_revisions>(options.name, std::move(from), state.store, *state.engines);
  state.figures = std::make_shared<engine_figures>();
  std::vector<std::string> names;
  for (const auto& each : state.engines->states(time_of(self))) names.push_back(each.name);
  state.counts = std::make_unique<node_counts>(registry, names);
  state.gauges = std::make_unique<revision_gauges>(registry);
  registry.add(state.figures);
}

void init(self_ptr self, const node_options& options, const node_beginning& from,
          const std::string& metrics_url, metrics& registry) {
  auto& state = self->state;
  state.snapshot.node = options.name;
  state.snapshot.pid = ::getpid();
  state.snapshot.incarnation = {random_id()};
  state.snapshot.metrics_url = metrics_url;
  make_parts(self, options, from, registry);
  self->set_exit_handler(
      [self](const caf::exit_msg&) { end(self, caf::exit_reason::user_shutdown); });
  self->set_down_handler([self](const caf::down_msg&) { give_up(self, "a worker actor ended"); });
  spawn_workers(self, options);
  dial_all(self, options.schedulers);
  self->send(self, supervise{});
  self->delayed_send(self, snapshot_period, caf::tick_atom::value);
}

node_self::behavior_type behavior(self_ptr self, const node_options& options,
                                  const node_beginning& from, const std::string& metrics_url,
                                  metrics* registry) {
  init(self, options, from, metrics_url, *registry);
  return {
      [](std::uint64_t) {},
      [self](const proto::drain_order& order) { take_order(self, order); },
      [self](const proto::apply_order& order) { return take_apply(self, order); },
      [self](const engine_started& it) { take_started(self, it); },
      [self](const engine_reported& it) { take_report(self, it); },
      [self](const engine_quiet& it) { self->state.engines->quiet(it.k, it.quiet, time_of(self)); },
      [self](const engine_ended& it) { take_end(self, it); },
      [self](const record_kept& it) { self->state.revisions->kept(it); },
      [self](const models_opened& it) { self->state.revisions->opened(it); },
      [self](const proto::scheduler_actor& scheduler, std::uint32_t rank) {
        self->state.schedulers[rank] = scheduler;
        send_snapshot(self);
      },
      [self](std::uint32_t rank, bool) { self->state.schedulers.erase(rank); },
      [self](caf::tick_atom) { tick(self); },
      [self](const supervise&) { take_wake(self); },
      [self](const stop_node&) { begin_stop(self); },
      [self](caf::get_atom) { return self->state.engines->look(); },
  };
}

}  // namespace

node_self spawn_node(caf::actor_system& system, node_options options, std::string metrics_url,
                     metrics& registry, node_beginning from) {
  return system.spawn(behavior, std::move(options), std::move(from), std::move(metrics_url),
                      &registry);
}

}  // namespace coppice::worker
