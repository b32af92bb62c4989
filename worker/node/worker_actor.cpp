#include "worker/node/worker_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace coppice::worker {

namespace {

struct worker_state {
  node_options options;
  std::uint32_t k = 0;
  node_self node;
  hang_limits limits;
  shared_step_times times;
  std::unique_ptr<engine_watch> watch;
  static inline const char* name = "worker";
};

engine_start engine_start_of(const worker_state& of, const model_set& models) {
  const auto& options = of.options;
  engine_start how{engine_command(options, of.k, models), of.times->get()};
  if (models.verified) {
    for (const auto& each : models.verified->files()) how.files.push_back(each.open.get());
    how.look_first = [verified = models.verified] { return verified->check_unchanged(); };
  }
  how.user = options.engine_user;
  how.memory_bytes = options.engine_memory_bytes;
  how.tasks = options.engine_tasks;
  return how;
}

using self_ptr = worker_actor::stateful_pointer<worker_state>;

/// Events of the watch's thread as messages.
engine_events events_to(const worker_actor& worker, const node_self& node, std::uint32_t k) {
  return {[node, k](std::int64_t pid) {
            caf::anon_send(node, engine_started{k, pid});
          },
          [node, k](proto::engine_report report) {
            caf::anon_send(node, engine_reported{k, std::move(report)});
          },
          [node, k](bool quiet) {
            caf::anon_send(node, engine_quiet{k, quiet});
          },
          [worker, node, k](engine_exit how) {
            const engine_ended it{k, std::move(how)};
            // First the worker: it has let go before the node orders the next start.
            caf::anon_send(worker, it);
            caf::anon_send(node, it);
          }};
}

void start(self_ptr self, const start_engine& order) {
  auto& state = self->state;
  state.watch = std::make_unique<engine_watch>(
      engine_start_of(state, *order.models), state.limits,
      events_to(caf::actor_cast<worker_actor>(self), state.node, state.k));
}

void stop(self_ptr self) {
  if (self->state.watch) self->state.watch->stop();
}

worker_actor::behavior_type behavior(self_ptr self, const node_options& options, std::uint32_t k,
                                     node_self node, shared_step_times times) {
  auto& state = self->state;
  state.options = options;
  state.k = k;
  state.node = std::move(node);
  state.times = std::move(times);
  state.limits.step = options.hang_after;
  state.limits.load = options.load_limit;
  state.limits.load_bytes_per_s = std::uint64_t{options.load_mib_per_s} << 20;
  return {
      [self](const start_engine& order) { start(self, order); },
      [self](const stop_engine&) { stop(self); },
      [self](const engine_ended&) { self->state.watch.reset(); },
  };
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node, shared_step_times times) {
  return system.spawn(behavior, options, k, std::move(node), std::move(times));
}

}  // namespace coppice::worker
