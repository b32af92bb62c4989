#include "tests/simulation/gateway_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/simulation/payload.hpp"

namespace coppice::simulation {

namespace {

/// As in gateway/shard/shard_loop.cpp.
constexpr int burst = 256;
constexpr duration tick_period = 5ms;
constexpr duration idle_wait = 50ms;
constexpr duration actor_period = 25ms;

template <class... Visitors>
struct visitor_of : Visitors... {
  using Visitors::operator()...;
};

std::string_view bytes_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

gateway::shard_options options_of(world& all, host_id self) {
  auto options = all.of().shard;
  options.gateway = gateway_host::endpoint(self);
  options.incarnation = {all.random().id()};
  options.seed = all.random().id();
  return options;
}

}  // namespace

std::string gateway_host::endpoint(std::uint32_t index) {
  return "gateway-" + std::to_string(index + 1);
}

gateway_host::gateway_host(world& all, host_id self)
    : world_{all},
      self_{self},
      random_{draws{all.random().bits()}},
      shard_{options_of(all, self), *this, nullptr},
      books_{all.audit(), shard_.rows()},
      unread_{all.of().shard.limits.outgoing},
      born_{all.truth()} {
  for (std::uint32_t s = 0; s < all.of().schedulers.size(); ++s)
    schedulers_.push_back({{all, self, scheduler_endpoint(s)}, ""});
  all.net().listen(self, endpoint(self));
}

// --- the turn ------------------------------------------------------------------------------

steady_time gateway_host::turn(std::vector<arrival>& arrived, steady_time now) {
  now_ = now;
  for (auto& each : arrived) sort(each, now);
  auto next = steady_time::max();
  for (auto& each : schedulers_) next = std::min(next, each.link.turn(now));
  if (world_.wants_stop(self_)) {
    stop(now);
    return now;
  }
  if (now >= next_actor_turn_) {
    next_actor_turn_ = now + actor_period;
    carry(places_.turn(now));
  }
  receive_engines(now);
  take_mail(now);
  receive_clients(now);
  if (now >= next_tick_) tick(now);
  if (!engine_messages_.empty() || !client_messages_.empty() || !mail_.empty()) return now;
  if (places_.open_parts() > 0) next = std::min(next, next_actor_turn_);
  return std::min(next, now + (shard_.rows().open_rows() > 0 ? tick_period : idle_wait));
}

void gateway_host::sort(arrival& it, steady_time now) {
  if (it.kind == arrival_kind::order)
    return pass_order(std::get<proto::drain_order>(it.what.control));
  for (auto& each : schedulers_)
    if (each.link.connection() == it.on) return take_mesh(each, it, now);
  if (it.kind == arrival_kind::accepted) return accept(it.on);
  if (it.kind == arrival_kind::message) return take_message(it);
  if (it.kind == arrival_kind::closed) take_closed_connection(it.on);
}

void gateway_host::accept(connection_id on) {
  client_connection made;
  made.descriptor = free_descriptors_.empty() ? next_descriptor_++ : *free_descriptors_.begin();
  free_descriptors_.erase(made.descriptor);
  made.routing_id = std::string(1, '\0') + std::to_string(random_.bits() >> 32);
  made.tenant = world_.tenant_of(world_.net().peer_of(on, self_));
  client_of_routing_id_[made.routing_id] = on;
  ++clients_met_;
  clients_[on] = std::move(made);
}

void gateway_host::take_message(arrival& it) {
  auto& frames = it.what.frames;
  if (const auto client = clients_.find(it.on); client != clients_.end()) {
    frames.insert(frames.begin(), zmq::message_t{client->second.routing_id});
    client_messages_.push_back(
        {std::move(frames), client->second.descriptor, client->second.tenant});
  } else if (const auto engine = engine_of_connection_.find(it.on);
             engine != engine_of_connection_.end()) {
    frames.insert(frames.begin(), zmq::message_t{proto::engine_routing_id(engine->second)});
    engine_messages_.push_back(std::move(frames));
  }
}

void gateway_host::take_closed_connection(connection_id on) {
  if (const auto client = clients_.find(on); client != clients_.end()) {
    clients_closed_.push_back(client->second.descriptor);
    unread_.closed(client->second.descriptor);
    free_descriptors_.insert(client->second.descriptor);
    client_of_routing_id_.erase(client->second.routing_id);
    clients_.erase(client);
  } else if (const auto engine = engine_of_connection_.find(on);
             engine != engine_of_connection_.end()) {
    const auto found = engines_.find(engine->second);
    engines_closed_.push_back(found->second.endpoint);
    engines_.erase(found);
    engine_of_connection_.erase(engine);
  }
}

// --- the gateway actor ---------------------------------------------------------------------

const gateway_host::scheduler_entry* gateway_host::find(const std::string& name) const {
  for (const auto& each : schedulers_)
    if (each.link.is_up() && each.name == name) return &each;
  return nullptr;
}

void gateway_host::take_mesh(scheduler_entry& from, arrival& it, steady_time now) {
  const auto on = it.on;
  const auto changed = from.link.take(it, now);
  if (changed == scheduler_link::change::down) return carry(places_.gone(from.name, now));
  if (changed == scheduler_link::change::up) {
    from.name = world_.identity_of_peer(on, self_);
    places_.joined(from.name);
    return send_control(world_, on, self_, proto::gateway_state{endpoint(self_), 0, {}, {}});
  }
  if (it.kind != arrival_kind::message) return;
  places_.heard(from.name);
  take_told(it);
}

void gateway_host::take_told(arrival& it) {
  std::visit(visitor_of{[&](place_answer& answer) {
                          carry(places_.answered(answer.token, std::move(answer.reply)));
                        },
                        [&](proto::catalogue& all) {
                          places_.set_pools(all.pools);
                          mail_.emplace_back(std::move(all));
                        },
                        [&](proto::engine_down& down) { mail_.emplace_back(std::move(down)); },
                        [&](proto::judgement& judged) { mail_.emplace_back(std::move(judged)); },
                        [&](proto::drain_notice& told) { mail_.emplace_back(std::move(told)); },
                        [](auto&) {}},
             it.what.control);
}

/// Does what the book says.
void gateway_host::carry(gateway::place_book::outcome&& follows) {
  for (auto& part : follows.ask)
    if (const auto* to = find(part.scheduler))
      send_control(world_, to->link.connection(), self_,
                   place_ask{part.ticket, std::move(part.demand)});
    else
      carry(places_.failed(part.ticket, now_));
  for (auto& reply : follows.replies) {
    for (const auto& each : reply.grants)
      world_.tell(self_, 0, "is granted {} rows of {} on {:x}", each.rows, each.model,
                  each.incarnation.value);
    mail_.emplace_back(std::move(reply));
  }
  for (; follows.lost > 0; --follows.lost) mail_.emplace_back(place_lost{});
}

void gateway_host::place(proto::place_request&& demand) {
  books_.placed(demand);
  for (const auto& each : demand.holdings)
    world_.tell(self_, 0, "holds {} rows of {} on {:x}", each.rows, each.model,
                each.incarnation.value);
  carry(places_.demand(demand, now_));
}

const gateway_host::scheduler_entry* gateway_host::judge_of(const proto::fingerprint& of) const {
  const auto home = places_.home({reinterpret_cast<const char*>(&of), sizeof of});
  return home ? find(*home) : nullptr;
}

void gateway_host::suspect(proto::suspicion&& told) {
  for (const auto& of : told.suspects)
    if (const auto* judge = judge_of(of))
      send_control(world_, judge->link.connection(), self_, proto::suspicion{told.gateway, {of}});
}

void gateway_host::tell(proto::trial_result&& told) {
  world_.tell(self_, 0, "a trial ended: {}", told.killed ? "the engine died" : "it did no harm");
  if (!told.killed) books_.cleared();
  if (const auto* judge = judge_of(told.of))
    send_control(world_, judge->link.connection(), self_, std::move(told));
}

void gateway_host::tell(proto::drain_ack&& told) {
  for (const auto& each : schedulers_)
    if (each.link.is_up()) send_control(world_, each.link.connection(), self_, told);
}

void gateway_host::pass_order(const proto::drain_order& order) {
  for (const auto& each : schedulers_)
    if (each.link.is_up()) send_control(world_, each.link.connection(), self_, order);
}

// --- the loop ------------------------------------------------------------------------------

void gateway_host::take_mail(steady_time now) {
  auto taken = std::move(mail_);
  mail_.clear();
  for (auto& each : taken) {
    take(each, now);
    books_.handled(now_);
  }
}

void gateway_host::take(mail& it, steady_time now) {
  std::visit(visitor_of{[&](proto::place_reply& reply) {
                          for (const auto& each : reply.grants) books_.granted(each.incarnation);
                          shard_.on_place_reply(reply, now);
                        },
                        [&](place_lost) { shard_.on_place_lost(now); },
                        [&](proto::engine_down& down) {
                          books_.told_down(down, now);
                          shard_.on_engine_down(down, now);
                        },
                        [&](proto::catalogue& all) { shard_.on_catalogue(std::move(all), now); },
                        [&](proto::judgement& judged) {
                          if (judged.verdict == "cleared") books_.cleared();
                          shard_.on_judgement(judged, now);
                        },
                        [&](proto::drain_notice& notice) {
                          shard_.on_drain_notice(notice, now);
                          for (const auto each : notice.incarnations)
                            books_.drains(each, now + world_.of().shard.drain_notice_ttl);
                          for (const auto each : notice.over) books_.drains(each, now);
                        }},
             it);
}

void gateway_host::receive_engines(steady_time now) {
  for (int taken = 0; taken < burst && !engine_messages_.empty(); ++taken) {
    auto message = std::move(engine_messages_.front());
    engine_messages_.pop_front();
    if (const auto header = proto::decode<proto::link_reply>(bytes_of(message[1])))
      books_.frame(*header);
    shard_.on_link_message(std::move(message), now);
    books_.handled(now_);
  }
}

void gateway_host::receive_clients(steady_time now) {
  for (int taken = 0; taken < burst && !client_messages_.empty(); ++taken) {
    if (taken == 0) take_closed(now);
    auto message = std::move(client_messages_.front());
    client_messages_.pop_front();
    take_client(std::move(message), now);
    books_.handled(now_);
  }
}

void gateway_host::take_client(client_message&& message, steady_time now) {
  const auto& routing_id = message.frames[0];
  const auto header = proto::decode<proto::request>(bytes_of(message.frames[2]));
  if (header) session_of_routing_id_[std::string{bytes_of(routing_id)}] = header->session;
  if (header && (header->op == "infer" || header->op == "generate")) {
    const auto number = number_in(header->traceparent);
    number_of_id_[{header->session, header->id.bytes}] = number;
    books_.asked(number, message.tenant, now + std::chrono::milliseconds{header->timeout_ms}, now);
  }
  shard_.on_client_message(std::move(message.frames), message.descriptor, now, message.tenant);
}

void gateway_host::take_closed(steady_time now) {
  for (; !engines_closed_.empty(); engines_closed_.pop_front())
    shard_.on_link_reset(engines_closed_.front(), now);
  for (; !clients_closed_.empty(); clients_closed_.pop_front()) {
    shard_.on_client_gone(clients_closed_.front(), now);
    books_.handled(now_);
  }
}

void gateway_host::tick(steady_time now) {
  next_tick_ = now + tick_period;
  take_closed(now);
  shard_.on_tick(now);
  books_.handled(now_);
  books_.ticked(now);
}

void gateway_host::stop(steady_time now) {
  shard_.on_stop(now);
  books_.handled(now_);
  world_.exit(self_, {exited(0), "stopped by SIGTERM", {}});
}

}  // namespace coppice::simulation
