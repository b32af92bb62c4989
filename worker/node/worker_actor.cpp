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
  std::vector<std::string> command;
  hang_limits limits;
  std::unique_ptr<engine_watch> watch;
  static inline const char* name = "worker";
};

using self_ptr = worker_actor::stateful_pointer<worker_state>;

/// Events of the watch's thread as messages.
engine_events events_to(const worker_actor& to, std::uint32_t k) {
  return {[to, k](std::int64_t pid) {
            caf::anon_send(to, engine_started{k, pid});
          },
          [to, k](proto::engine_report report) {
            caf::anon_send(to, engine_reported{k, std::move(report)});
          },
          [to, k](bool quiet) {
            caf::anon_send(to, engine_quiet{k, quiet});
          },
          [to, k](engine_exit how) {
            caf::anon_send(to, engine_ended{k, std::move(how)});
          }};
}

void start(self_ptr self) {
  auto& state = self->state;
  state.watch = std::make_unique<engine_watch>(
      state.command, state.limits, events_to(caf::actor_cast<worker_actor>(self), state.k));
}

void stop(self_ptr self) {
  if (self->state.watch) self->state.watch->stop();
}

void take_end(self_ptr self, const engine_ended& it) {
  self->state.watch.reset();  // its thread has nothing left to do
  self->send(self->state.node, it);
}

worker_actor::behavior_type behavior(self_ptr self, const node_options& options, std::uint32_t k,
                                     node_self node) {
  auto& state = self->state;
  state.k = k;
  state.node = std::move(node);
  state.command = engine_command(options, k);
  state.limits.step = options.hang_after;
  return {
      [self](const start_engine&) { start(self); },
      [self](const stop_engine&) { stop(self); },
      [self](const engine_started& it) { self->send(self->state.node, it); },
      [self](const engine_reported& it) { self->send(self->state.node, it); },
      [self](const engine_quiet& it) { self->send(self->state.node, it); },
      [self](const engine_ended& it) { take_end(self, it); },
  };
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, const node_options& options, std::uint32_t k,
                          node_self node) {
  return system.spawn(behavior, options, k, std::move(node));
}

}  // namespace coppice::worker
