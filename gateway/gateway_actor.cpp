#include "gateway/gateway_actor.hpp"

#include "base/log.hpp"
#include "gateway/drain_answer.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

namespace coppice::gateway {

namespace {

constexpr duration turn_period = 25ms;
constexpr duration order_limit = 1s;

struct scheduler_entry {
  std::string name;
  proto::scheduler_actor actor;
};

struct gateway_actor_state {
  proto::gateway_state self;
  std::function<void(shard_mail)> post;
  /// By rank.
  std::map<std::uint32_t, scheduler_entry> schedulers;
  std::unique_ptr<place_book> places;
  shard_counts* counts = nullptr;
  static inline const char* name = "gateway";
};

using self_ptr = gateway_self::stateful_pointer<gateway_actor_state>;

const proto::scheduler_actor* find(const gateway_actor_state& state, const std::string& name) {
  for (const auto& [rank, scheduler] : state.schedulers)
    if (scheduler.name == name) return &scheduler.actor;
  return nullptr;
}

// --- places --------------------------------------------------------------------------------

void carry(self_ptr self, place_book::outcome&& follows);

void ask(self_ptr self, place_book::part&& part) {
  auto& state = self->state;
  const auto* scheduler = find(state, part.scheduler);
  if (scheduler == nullptr)
    return carry(self, state.places->failed(part.ticket, self->clock().now()));
  // The book keeps the time limit; CAF's request timers would outlive the answers.
  self->request(*scheduler, caf::infinite, std::move(part.demand))
      .then(
          [self, name = part.scheduler, ticket = part.ticket](proto::place_reply& reply) {
            self->state.places->heard(name);
            carry(self, self->state.places->answered(ticket, std::move(reply)));
          },
          [self, ticket = part.ticket](caf::error&) {
            carry(self, self->state.places->failed(ticket, self->clock().now()));
          });
}

/// Does what the book says.
void carry(self_ptr self, place_book::outcome&& follows) {
  if (self->state.counts != nullptr)
    self->state.counts->places_moved.Increment(static_cast<double>(follows.moved));
  for (auto& part : follows.ask) ask(self, std::move(part));
  for (auto& reply : follows.replies) self->state.post(std::move(reply));
  for (; follows.lost > 0; --follows.lost) self->state.post(place_lost{});
}

void turn(self_ptr self) {
  carry(self, self->state.places->turn(self->clock().now()));
  self->delayed_send(self, turn_period, caf::tick_atom::value);
}

// --- schedulers ----------------------------------------------------------------------------

void count_schedulers(const gateway_actor_state& state) {
  if (state.counts != nullptr)
    state.counts->schedulers.Set(static_cast<double>(state.schedulers.size()));
}

void leave(self_ptr self, std::uint32_t rank) {
  auto& state = self->state;
  const auto found = state.schedulers.find(rank);
  if (found == state.schedulers.end()) return;
  const auto name = found->second.name;
  state.schedulers.erase(found);
  count_schedulers(state);
  carry(self, state.places->gone(name, self->clock().now()));
}

void join(self_ptr self, const proto::scheduler_actor& scheduler, std::uint32_t rank) {
  leave(self, rank);
  const auto name = scheduler_name(scheduler);
  self->state.schedulers[rank] = {name, scheduler};
  count_schedulers(self->state);
  self->state.places->joined(name);
  self->send(scheduler, self->state.self, caf::actor_cast<proto::gateway_actor>(self));
}

/// Passes what a scheduler told to the shard; whoever speaks is not silent.
template <class Told>
void pass_on(self_ptr self, const Told& told) {
  auto& state = self->state;
  for (const auto& [rank, scheduler] : state.schedulers)
    if (scheduler.actor.address() == self->current_sender()) state.places->heard(scheduler.name);
  state.post(told);
}

std::uint32_t speaking_schedulers(const gateway_actor_state& state) {
  return static_cast<std::uint32_t>(std::ranges::count_if(state.schedulers, [&](const auto& each) {
    return !state.places->is_silent(each.second.name);
  }));
}

caf::result<proto::cluster_status> status(self_ptr self) {
  const auto& state = self->state;
  if (state.schedulers.empty())
    return caf::make_error(caf::sec::cannot_connect_to_node, "no scheduler can be reached");
  for (const auto& [rank, scheduler] : state.schedulers)
    if (!state.places->is_silent(scheduler.name))
      return self->delegate(scheduler.actor, caf::get_atom::value);
  return self->delegate(state.schedulers.begin()->second.actor, caf::get_atom::value);
}

// --- orders and poison ---------------------------------------------------------------------

/// Answers of schedulers to one order, until the last is there.
struct gathering {
  proto::drain_order order;
  caf::typed_response_promise<proto::drain_status> promise;
  std::size_t missing = 0;
  std::vector<proto::drain_status> answers;

  void one_less() {
    if (--missing > 0) return;
    if (answers.empty())
      promise.deliver(caf::make_error(caf::sec::request_timeout, "no scheduler answers"));
    else
      promise.deliver(drain_answer(order, answers));
  }
};

caf::result<proto::drain_status> drain(self_ptr self, const proto::drain_order& order) {
  auto& state = self->state;
  if (state.schedulers.empty())
    return caf::make_error(caf::sec::cannot_connect_to_node, "no scheduler can be reached");
  const auto all = std::make_shared<gathering>(gathering{
      order, self->make_response_promise<proto::drain_status>(), state.schedulers.size(), {}});
  for (const auto& [rank, scheduler] : state.schedulers)
    self->request(scheduler.actor, order_limit, order)
        .then(
            [all](proto::drain_status& answer) {
              all->answers.push_back(std::move(answer));
              all->one_less();
            },
            [all](caf::error&) { all->one_less(); });
  return all->promise;
}

/// One order that goes from scheduler to scheduler until one knows its node.
struct passing {
  proto::apply_order order;
  caf::typed_response_promise<proto::apply_status> promise;
  /// Those that were not asked yet.
  std::vector<proto::scheduler_actor> left;
  /// Of the last one that answered.
  std::optional<proto::apply_status> answer;

  void end() {
    if (answer)
      promise.deliver(std::move(*answer));
    else
      promise.deliver(caf::make_error(caf::sec::request_timeout, "no scheduler answers"));
  }
};

void pass_on_order(self_ptr self, const std::shared_ptr<passing>& it) {
  if (it->left.empty()) return it->end();
  const auto scheduler = it->left.back();
  it->left.pop_back();
  self->request(scheduler, order_limit, it->order)
      .then(
          [self, it](proto::apply_status& answer) {
            const bool known = !answer.error || answer.error->code != code_name(errc::not_found);
            it->answer = std::move(answer);
            if (known) it->left.clear();
            pass_on_order(self, it);
          },
          [self, it](caf::error&) { pass_on_order(self, it); });
}

/// First to the scheduler of the lowest rank, but for those that are silent.
caf::result<proto::apply_status> apply(self_ptr self, const proto::apply_order& order) {
  const auto& state = self->state;
  if (state.schedulers.empty())
    return caf::make_error(caf::sec::cannot_connect_to_node, "no scheduler can be reached");
  const auto it = std::make_shared<passing>(
      passing{order, self->make_response_promise<proto::apply_status>(), {}, {}});
  for (const auto& [rank, scheduler] : state.schedulers)
    if (!state.places->is_silent(scheduler.name)) it->left.push_back(scheduler.actor);
  if (it->left.empty()) it->left.push_back(state.schedulers.begin()->second.actor);
  std::ranges::reverse(it->left);
  pass_on_order(self, it);
  return it->promise;
}

void tell_all(self_ptr self, const proto::drain_ack& ack) {
  for (const auto& [rank, scheduler] : self->state.schedulers) self->send(scheduler.actor, ack);
}

const proto::scheduler_actor* judge_of(const gateway_actor_state& state,
                                       const proto::fingerprint& of) {
  const auto home =
      state.places->home({reinterpret_cast<const char*>(&of), sizeof of});  // no padding
  return home ? find(state, *home) : nullptr;
}

void suspect(self_ptr self, const proto::suspicion& told) {
  std::map<const proto::scheduler_actor*, proto::suspicion> by_judge;
  for (const auto& of : told.suspects) by_judge[judge_of(self->state, of)].suspects.push_back(of);
  for (auto& [judge, part] : by_judge) {
    if (judge == nullptr) continue;  // the shard reports again what is never judged
    part.gateway = told.gateway;
    self->send(*judge, std::move(part));
  }
}

void tell_judge(self_ptr self, const proto::trial_result& told) {
  if (const auto* judge = judge_of(self->state, told.of)) self->send(*judge, told);
}

gateway_self::behavior_type behavior(self_ptr self, proto::gateway_state own,
                                     std::function<void(shard_mail)> post, shard_counts* counts,
                                     place_limits limits) {
  self->state.self = std::move(own);
  self->state.post = std::move(post);
  self->state.counts = counts;
  self->state.places = std::make_unique<place_book>(limits);
  self->delayed_send(self, turn_period, caf::tick_atom::value);
  return {
      [self](const proto::catalogue& all) {
        self->state.places->set_pools(all.pools);
        pass_on(self, all);
      },
      [self](const proto::engine_down& down) { pass_on(self, down); },
      [self](const proto::judgement& judged) { pass_on(self, judged); },
      [self](const proto::drain_notice& notice) { pass_on(self, notice); },
      [self](const proto::place_request& demand) {
        carry(self, self->state.places->demand(demand, self->clock().now()));
      },
      [self](const proto::scheduler_actor& scheduler, std::uint32_t rank) {
        join(self, scheduler, rank);
      },
      [self](std::uint32_t rank) { leave(self, rank); },
      [self](caf::get_atom) { return status(self); },
      [self](caf::ping_atom) { return speaking_schedulers(self->state); },
      [self](const proto::drain_order& order) { return drain(self, order); },
      [self](const proto::apply_order& order) { return apply(self, order); },
      [self](const proto::drain_ack& ack) { tell_all(self, ack); },
      [self](const proto::suspicion& told) { suspect(self, told); },
      [self](const proto::trial_result& told) { tell_judge(self, told); },
      [self](caf::tick_atom) { turn(self); },
  };
}

}  // namespace

gateway_self spawn_gateway(caf::actor_system& system, proto::gateway_state self,
                           std::function<void(shard_mail)> post, shard_counts* counts,
                           place_limits limits) {
  return system.spawn(behavior, std::move(self), std::move(post), counts, limits);
}

std::string scheduler_name(const proto::scheduler_actor& scheduler) {
  return caf::to_string(scheduler.address());
}

}  // namespace coppice::gateway
