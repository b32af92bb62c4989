#include "tests/simulation/gateway_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/simulation/payload.hpp"

namespace coppice::simulation {

namespace {

/// As in gateway/shard/shard_loop.cpp.
constexpr int burst = 256;
constexpr duration tick_period = 5ms;
constexpr duration idle_wait = 50ms;
/// In which a new gateway may not have heard of every model.
constexpr duration learning = 10s;

template <class... Visitors>
struct visitor_of : Visitors... {
  using Visitors::operator()...;
};

std::uint64_t number_of(const proto::raw_value& id) {
  proto::reader from{id.bytes};
  std::uint64_t number = 0;
  return from.read(number) ? number : 0;
}

std::string_view bytes_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

gateway::shard_options options_of(const scenario& of, host_id self) {
  auto options = of.shard;
  options.gateway = "gateway-" + std::to_string(self + 1);
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
      books_{all.audit()},
      shard_{options_of(all.of(), self), *this, nullptr},
      born_{all.truth()} {
  for (std::uint32_t s = 0; s < all.of().schedulers.size(); ++s)
    schedulers_.emplace_back(all, self, scheduler_endpoint(s));
  all.net().listen(self, endpoint(self));
}

// --- the turn ------------------------------------------------------------------------------

steady_time gateway_host::turn(std::vector<arrival>& arrived, steady_time now) {
  for (auto& each : arrived) sort(each, now);
  auto next = steady_time::max();
  for (auto& each : schedulers_) next = std::min(next, each.turn(now));
  if (world_.wants_stop(self_)) {
    stop(now);
    return now;
  }
  take_mail(now);
  receive_engines(now);
  receive_clients(now);
  if (now >= next_tick_) tick(now);
  if (!engine_messages_.empty() || !client_messages_.empty()) return now;
  return std::min(next, now + (shard_.rows().open_rows() > 0 ? tick_period : idle_wait));
}

void gateway_host::sort(arrival& it, steady_time now) {
  for (std::size_t rank = 0; rank < schedulers_.size(); ++rank)
    if (schedulers_[rank].connection() == it.on) return take_mesh(rank, it, now);
  if (it.kind == arrival_kind::accepted) return accept(it.on);
  if (it.kind == arrival_kind::message) return take_message(it);
  if (it.kind == arrival_kind::closed) take_closed_connection(it.on);
}

void gateway_host::accept(connection_id on) {
  client_connection made;
  made.descriptor = free_descriptors_.empty() ? next_descriptor_++ : *free_descriptors_.begin();
  free_descriptors_.erase(made.descriptor);
  made.routing_id = std::string(1, '\0') + std::to_string(random_.bits() >> 32);
  client_of_routing_id_[made.routing_id] = on;
  clients_[on] = std::move(made);
}

void gateway_host::take_message(arrival& it) {
  if (const auto client = clients_.find(it.on); client != clients_.end()) {
    auto& frames = it.what.frames;
    frames.insert(frames.begin(), zmq::message_t{client->second.routing_id});
    client_messages_.push_back({std::move(frames), client->second.descriptor});
  } else if (const auto engine = engine_of_connection_.find(it.on);
             engine != engine_of_connection_.end()) {
    auto& frames = it.what.frames;
    frames.insert(frames.begin(), zmq::message_t{proto::engine_routing_id(engine->second)});
    engine_messages_.push_back(std::move(frames));
  }
}

void gateway_host::take_closed_connection(connection_id on) {
  if (const auto client = clients_.find(on); client != clients_.end()) {
    clients_closed_.push_back(client->second.descriptor);
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

void gateway_host::take_mesh(std::size_t rank, arrival& it, steady_time now) {
  auto& link = schedulers_[rank];
  const auto on = it.on;
  const auto changed = link.take(it, now);
  if (changed == scheduler_link::change::down) return lose_places(on);
  if (changed == scheduler_link::change::up)
    return send_control(world_, on, self_, proto::gateway_state{endpoint(self_), 0, {}, {}});
  auto& what = it.what.control;
  if (auto* answer = std::get_if<place_answer>(&what)) {
    for (const auto& each : answer->reply.grants)
      world_.tell(self_, 0, "is granted {} rows of {} on {:x}", each.rows, each.model,
                  each.incarnation.value);
    if (places_.erase(answer->token) > 0) mail_.emplace_back(std::move(answer->reply));
  } else if (auto* down = std::get_if<proto::engine_down>(&what)) {
    mail_.emplace_back(std::move(*down));
  } else if (auto* catalogue = std::get_if<proto::catalogue>(&what)) {
    mail_.emplace_back(std::move(*catalogue));
  }
}

void gateway_host::lose_places(connection_id on) {
  std::erase_if(places_, [&](const auto& entry) { return entry.second == on; });
  mail_.emplace_back(place_lost{});
}

void gateway_host::place(proto::place_request&& demand) {
  books_.placed(demand);
  for (const auto& each : demand.holdings)
    world_.tell(self_, 0, "holds {} rows of {} on {:x}", each.rows, each.model,
                each.incarnation.value);
  for (const auto& each : schedulers_) {
    if (!each.is_up()) continue;
    places_[++last_token_] = each.connection();
    return send_control(world_, each.connection(), self_,
                        place_ask{last_token_, std::move(demand)});
  }
  mail_.emplace_back(place_lost{});
}

// --- the loop ------------------------------------------------------------------------------

void gateway_host::take_mail(steady_time now) {
  auto taken = std::move(mail_);
  mail_.clear();
  for (auto& each : taken) {
    std::visit(visitor_of{[&](proto::place_reply& it) { shard_.on_place_reply(it, now); },
                          [&](place_lost) { shard_.on_place_lost(now); },
                          [&](proto::engine_down& it) {
                            books_.told_down(it.incarnation);
                            shard_.on_engine_down(it, now);
                          },
                          [&](proto::catalogue& it) { shard_.on_catalogue(std::move(it)); }},
               each);
    books_.handled(shard_);
  }
}

void gateway_host::receive_engines(steady_time now) {
  for (int taken = 0; taken < burst && !engine_messages_.empty(); ++taken) {
    auto message = std::move(engine_messages_.front());
    engine_messages_.pop_front();
    if (const auto header = proto::decode<proto::link_reply>(bytes_of(message[1])))
      books_.frame(header->op, header->attempt, header->incarnation);
    shard_.on_link_message(std::move(message), now);
    books_.handled(shard_);
  }
}

void gateway_host::receive_clients(steady_time now) {
  for (int taken = 0; taken < burst && !client_messages_.empty(); ++taken) {
    if (taken == 0) take_closed(now);
    auto message = std::move(client_messages_.front());
    client_messages_.pop_front();
    take_client(std::move(message), now);
    books_.handled(shard_);
  }
}

void gateway_host::take_client(client_message&& message, steady_time now) {
  const auto header = proto::decode<proto::request>(bytes_of(message.frames[2]));
  if (header && header->op == "infer")
    books_.asked(number_of(header->id), now + std::chrono::milliseconds{header->timeout_ms});
  shard_.on_client_message(std::move(message.frames), message.descriptor, now);
}

void gateway_host::take_closed(steady_time now) {
  for (; !engines_closed_.empty(); engines_closed_.pop_front())
    shard_.on_link_reset(engines_closed_.front(), now);
  for (; !clients_closed_.empty(); clients_closed_.pop_front()) {
    shard_.on_client_gone(clients_closed_.front(), now);
    books_.handled(shard_);
  }
}

void gateway_host::tick(steady_time now) {
  next_tick_ = now + tick_period;
  take_closed(now);
  shard_.on_tick(now);
  books_.handled(shard_);
  books_.ticked(now);
}

void gateway_host::stop(steady_time now) {
  shard_.on_stop(now);
  books_.handled(shard_);
  world_.exit(self_, {"stopped by SIGTERM", "stopped"});
}

// --- effects -------------------------------------------------------------------------------

void gateway_host::reply(const gateway::client_address& to, const proto::reply& header,
                         gateway::frame_list&& frames) {
  const auto number = number_of(header.id);
  if (number > 0 && header.final) {
    const bool by_engine = !header.error || header.error->code == "model_error";
    books_.answered(number, by_engine);
    if (header.error && header.error->code == "not_found") audit_unknown(number);
    if (header.error)
      world_.tell(self_, number, "answers {}: {}", header.error->code, header.error->message);
    else
      world_.tell(self_, number, "answers ok");
  }
  const auto client = client_of_routing_id_.find(to.routing_id);
  if (client == client_of_routing_id_.end()) return;
  if (world_.net().backlog(client->second, self_) >= world_.of().unread_limit) return;
  header_.clear();
  proto::encode(header, header_);
  packet out;
  if (to.empty_delimiter) out.frames.emplace_back();
  out.frames.emplace_back(header_.data(), header_.size());
  for (auto& frame : frames) out.frames.push_back(std::move(frame));
  world_.net().send(client->second, self_, std::move(out));
}

/// Only a new gateway may not have heard of a model that an engine serves, or will serve again.
void gateway_host::audit_unknown(std::uint64_t number) {
  auto& audit = world_.audit();
  if (world_.truth() - born_ > learning && audit.can_be_served(audit.plan(number).model))
    audit.found(invariant::right_answer, "a model that exists is not found", number);
}

bool gateway_host::send(incarnation_id to, const proto::link_request& header,
                        const gateway::frame_list& frames) {
  header_.clear();
  proto::encode(header, header_);
  packet out;
  out.frames.emplace_back(header_.data(), header_.size());
  for (const auto& frame : frames) {
    auto& shared = out.frames.emplace_back();
    shared.copy(const_cast<zmq::message_t&>(frame));
  }
  const auto link = engines_.find(to);
  const bool sent =
      link != engines_.end() && world_.net().send(link->second.on, self_, std::move(out));
  if (header.op == "infer") books_.sent(number_in(frames), header.attempt, to, !sent);
  if (header.op == "cancel") books_.cancelled(header.attempt);
  if (header.attempt)
    world_.tell(self_, books_.number_of(header.attempt), "{} attempt {:x} to {:x}{}", header.op,
                header.attempt.value, to.value, sent ? "" : ": the link is gone");
  return sent;
}

void gateway_host::open_link(const gateway::engine_link& link) {
  const auto on = world_.net().dial(self_, link.endpoint, link_kind::engine);
  engines_[link.incarnation] = {on, link.endpoint};
  engine_of_connection_[on] = link.incarnation;
  books_.link_opened(link.incarnation);
  world_.tell(self_, 0, "opens the link to {} {:x}", link.engine, link.incarnation.value);
  proto::link_request hello;
  hello.op = "hello";
  hello.incarnation = link.incarnation;
  hello.link_key = link.link_key;
  hello.gateway = endpoint(self_) + "/0";
  send(link.incarnation, hello, {});
}

void gateway_host::close_link(const gateway::engine_link& link) {
  books_.link_closed(link.incarnation);
  world_.tell(self_, 0, "closes the link to {} {:x}", link.engine, link.incarnation.value);
  const auto found = engines_.find(link.incarnation);
  if (found == engines_.end()) return;
  world_.net().close(found->second.on, self_);
  engine_of_connection_.erase(found->second.on);
  engines_.erase(found);
}

}  // namespace coppice::simulation
