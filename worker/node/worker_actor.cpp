#include "worker/node/worker_actor.hpp"

#include "base/log.hpp"
#include "base/random.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <random>

namespace coppice::worker {

namespace {

struct worker_state {
  std::uint32_t k = 0;
  node_self node;
  std::vector<std::string> command;
  duration hang_after{0};
  proto::engine_state engine;
  std::unique_ptr<restart_policy> restarts;
  std::unique_ptr<engine_watch> watch;
  std::minstd_rand draws{static_cast<std::uint32_t>(random_id())};
  static inline const char* name = "worker";
};

using self_ptr = worker_actor::stateful_pointer<worker_state>;

void tell(self_ptr self) {
  self->send(self->state.node, engine_changed{self->state.k, self->state.engine});
}

void start(self_ptr self) {
  auto& state = self->state;
  state.engine.verdict = "starting";
  tell(self);
  const auto to = caf::actor_cast<worker_actor>(self);
  state.watch.reset();
  state.watch = std::make_unique<engine_watch>(
      state.engine.name, state.command, state.hang_after,
      engine_events{[to](std::int64_t pid) { caf::anon_send(to, engine_started{pid}); },
                    [to](proto::engine_report report) {
                      caf::anon_send(to, engine_reported{std::move(report)});
                    },
                    [to](engine_exit how) { caf::anon_send(to, engine_ended{std::move(how)}); }});
}

void take_report(self_ptr self, const proto::engine_report& report) {
  auto& engine = self->state.engine;
  if (report.op == "ready") {
    engine.incarnation = report.incarnation;
    engine.endpoint = report.endpoint;
    engine.link_key = report.link_key;
    engine.models = report.models;
    engine.loads.clear();
    engine.verdict = "up";
    log(log_level::info, "engine_up", {kv("engine", engine.name), kv("pid", engine.pid)});
    tell(self);
  } else if (report.op == "load") {
    engine.loads = report.loads;
    tell(self);
  } else if (report.op == "loading") {
    log(log_level::info, "engine_loading", {kv("engine", engine.name), kv("model", report.text)});
  }
}

void restart_or_give_up(self_ptr self, const engine_exit& how) {
  auto& state = self->state;
  auto& engine = state.engine;
  const double draw = std::uniform_real_distribution<>{}(state.draws);
  const auto delay = state.restarts->after_exit(self->clock().now(), draw);
  engine.verdict = !delay ? "quarantined" : how.hung ? "hung" : "dead";
  if (!delay) {
    engine.last_reason += "; given up after too many restarts";
    log(log_level::error, "engine_quarantined", {kv("engine", engine.name)});
    return tell(self);
  }
  ++engine.restarts;
  tell(self);
  self->delayed_send(self, *delay, start_engine{});
}

void take_end(self_ptr self, const engine_exit& how) {
  auto& engine = self->state.engine;
  log(log_level::warn, "engine_ended", {kv("engine", engine.name), kv("reason", how.reason)});
  if (engine.incarnation)
    self->send(self->state.node,
               proto::engine_down{engine.name, engine.incarnation, how.reason, how.suspects});
  engine.incarnation = {};
  engine.pid = 0;
  engine.models.clear();
  engine.loads.clear();
  engine.last_reason = how.reason;
  restart_or_give_up(self, how);
}

worker_actor::behavior_type behavior(self_ptr self, node_options options, std::uint32_t k,
                                     node_self node) {
  auto& state = self->state;
  state.k = k;
  state.node = std::move(node);
  state.command = engine_command(options, k);
  state.hang_after = options.hang_after;
  state.restarts = std::make_unique<restart_policy>(options.restart);
  state.engine.name = engine_name(options, k);
  state.engine.device = options.engines[k].device;
  self->send(self, start_engine{});
  return {
      [self](const start_engine&) { start(self); },
      [self](const engine_started& it) {
        self->state.engine.pid = it.pid;
        tell(self);
      },
      [self](const engine_reported& it) { take_report(self, it.report); },
      [self](const engine_ended& it) { take_end(self, it.how); },
  };
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node) {
  return system.spawn(behavior, options, k, std::move(node));
}

}  // namespace coppice::worker
