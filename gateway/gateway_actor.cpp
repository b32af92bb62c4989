#include "gateway/gateway_actor.hpp"

#include "base/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>

namespace coppice::gateway {

namespace {

struct gateway_actor_state {
  proto::gateway_state self;
  std::function<void(shard_mail)> post;
  /// By rank; the first is home.
  std::map<std::uint32_t, proto::scheduler_actor> schedulers;
  static inline const char* name = "gateway";
};

using self_ptr = gateway_self::stateful_pointer<gateway_actor_state>;

void place(self_ptr self, const proto::place_request& demand) {
  auto& state = self->state;
  if (state.schedulers.empty()) return state.post(place_lost{});
  // The shard keeps the time limit; CAF's request timers would outlive the answers.
  self->request(state.schedulers.begin()->second, caf::infinite, demand)
      .then([self](proto::place_reply& reply) { self->state.post(std::move(reply)); },
            [self](caf::error&) { self->state.post(place_lost{}); });
}

void join(self_ptr self, const proto::scheduler_actor& scheduler, std::uint32_t rank) {
  self->state.schedulers[rank] = scheduler;
  self->send(scheduler, self->state.self, caf::actor_cast<proto::gateway_actor>(self));
}

caf::result<proto::cluster_status> status(self_ptr self) {
  if (self->state.schedulers.empty())
    return caf::make_error(caf::sec::cannot_connect_to_node, "no scheduler can be reached");
  return self->delegate(self->state.schedulers.begin()->second, caf::get_atom::value);
}

gateway_self::behavior_type behavior(self_ptr self, proto::gateway_state own,
                                     std::function<void(shard_mail)> post) {
  self->state.self = std::move(own);
  self->state.post = std::move(post);
  return {
      [self](const proto::catalogue& all) { self->state.post(all); },
      [self](const proto::engine_down& down) { self->state.post(down); },
      [self](const proto::place_request& demand) { place(self, demand); },
      [self](const proto::scheduler_actor& scheduler, std::uint32_t rank) {
        join(self, scheduler, rank);
      },
      [self](std::uint32_t rank) {
        self->state.schedulers.erase(rank);
        self->state.post(place_lost{});
      },
      [self](caf::get_atom) { return status(self); },
  };
}

}  // namespace

gateway_self spawn_gateway(caf::actor_system& system, proto::gateway_state self,
                           std::function<void(shard_mail)> post) {
  return system.spawn(behavior, std::move(self), std::move(post));
}

}  // namespace coppice::gateway
