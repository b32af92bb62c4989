#include "actors/scheduler_dialler.hpp"

#include "actors/tcp_probe.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/random.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>

#include <random>
#include <set>

namespace coppice::actors {

namespace {

constexpr duration probe_limit = 1s;
constexpr duration handshake_limit = 3s;

struct dialler_state {
  std::string host;
  std::uint16_t port = 0;
  dialler_events events;
  /// Below the heartbeat's second, so that a restarted scheduler is found soon.
  backoff pause{.base = 50ms, .cap = 2s, .jitter = 0.5};
  std::uint32_t streak = 0;
  std::minstd_rand draws{static_cast<std::uint32_t>(random_id())};
  static inline const char* name = "scheduler_dialler";
};

using dialler = caf::stateful_actor<dialler_state>;

void dial_later(dialler* self) {
  auto& state = self->state;
  const double draw = std::uniform_real_distribution<>{}(state.draws);
  self->delayed_send(self, state.pause.delay(++state.streak, draw), caf::tick_atom::value);
}

void failed(dialler* self, std::string_view reason) {
  log(log_level::debug, "scheduler_dial_failed",
      {kv("host", self->state.host), kv("port", self->state.port), kv("reason", reason)});
  dial_later(self);
}

void connected(dialler* self, const caf::strong_actor_ptr& remote) {
  if (!remote) return failed(self, "nothing is published there");
  self->state.streak = 0;
  self->monitor(remote);
  log(log_level::info, "scheduler_connected",
      {kv("host", self->state.host), kv("port", self->state.port)});
  self->state.events.up(caf::actor_cast<proto::scheduler_actor>(remote));
}

/// The actor that opens connections, encrypted ones if this process has an identity.
caf::io::middleman_actor connector(caf::actor_system& system) {
  return system.has_openssl_manager() ? system.openssl_manager().actor_handle()
                                      : system.middleman().actor_handle();
}

void dial(dialler* self) {
  const auto& state = self->state;
  if (const auto open = tcp_probe(state.host, state.port, probe_limit); !open)
    return failed(self, open.error().message);
  self->request(connector(self->system()), handshake_limit, caf::connect_atom::value, state.host,
                state.port)
      .then([self](const caf::node_id&, const caf::strong_actor_ptr& remote,
                   const std::set<std::string>&) { connected(self, remote); },
            [self](const caf::error& reason) { failed(self, self->system().render(reason)); });
}

caf::behavior dialler_behavior(dialler* self, std::string host, std::uint16_t port,
                               dialler_events events) {
  self->state.host = std::move(host);
  self->state.port = port;
  self->state.events = std::move(events);
  self->set_down_handler([self](const caf::down_msg& down) {
    const auto reason = self->system().render(down.reason);
    log(log_level::warn, "scheduler_lost", {kv("host", self->state.host), kv("reason", reason)});
    self->state.events.down(reason);
    dial_later(self);
  });
  self->send(self, caf::tick_atom::value);
  return {[self](caf::tick_atom) { dial(self); }};
}

}  // namespace

caf::actor dial_scheduler(caf::actor_system& system, std::string host, std::uint16_t port,
                          dialler_events events) {
  // Detached: the probe may block its thread for a second.
  return system.spawn<caf::detached>(dialler_behavior, std::move(host), port, std::move(events));
}

}  // namespace coppice::actors
