#include "worker/node/worker_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace coppice::worker {

namespace {

struct worker_state {
  std::uint32_t k = 0;
  node_self node;
  engine_start how;
  hang_limits limits;
  shared_by_engines shared;
  std::unique_ptr<engine_watch> watch;
  static inline const char* name = "worker";
};

engine_start engine_start_of(const node_options& options, std::uint32_t k,
                             const shared_by_engines& shared) {
  engine_start how{engine_command(options, k), shared.times->get()};
  if (shared.models) {
    for (const auto& each : shared.models->files()) how.files.push_back(each.open.get());
    how.look_first = [models = shared.models] { return models->check_unchanged(); };
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

void start(self_ptr self) {
  auto& state = self->state;
  state.watch = std::make_unique<engine_watch>(
      state.how, state.limits, events_to(caf::actor_cast<worker_actor>(self), state.node, state.k));
}

void stop(self_ptr self) {
  if (self->state.watch) self->state.watch->stop();
}

worker_actor::behavior_type behavior(self_ptr self, const node_options& options, std::uint32_t k,
                                     node_self node, shared_by_engines shared) {
  auto& state = self->state;
  state.k = k;
  state.node = std::move(node);
  state.how = engine_start_of(options, k, shared);
  state.shared = std::move(shared);
  state.limits.step = options.hang_after;
  state.limits.load = options.load_limit;
  state.limits.load_bytes_per_s = std::uint64_t{options.load_mib_per_s} << 20;
  return {
      [self](const start_engine&) { start(self); },
      [self](const stop_engine&) { stop(self); },
      [self](const engine_ended&) { self->state.watch.reset(); },
  };
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node, shared_by_engines shared) {
  return system.spawn(behavior, options, k, std::move(node), std::move(shared));
}

}  // namespace coppice::worker
