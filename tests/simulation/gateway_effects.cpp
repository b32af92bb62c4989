#include "proto/codec/codec.hpp"
#include "tests/simulation/gateway_host.hpp"
#include "tests/simulation/payload.hpp"

namespace coppice::simulation {

namespace {

/// As in gateway/shard/shard_loop.cpp.
constexpr std::size_t part_overhead = 128;
/// In which a new gateway may not have heard of every model.
constexpr duration learning = 10s;

}  // namespace

// --- to clients ----------------------------------------------------------------------------

std::uint64_t gateway_host::number_of(const gateway::client_address& to,
                                      const proto::raw_value& id) const {
  const auto session = session_of_routing_id_.find(to.routing_id);
  if (session == session_of_routing_id_.end()) return 0;
  const auto found = number_of_id_.find({session->second, id.bytes});
  return found == number_of_id_.end() ? 0 : found->second;
}

void gateway_host::audit_reply(std::uint64_t number, const proto::reply& header,
                               gateway::delivery became) {
  if (number == 0) return;
  const auto code = header.error ? header.error->code : "";
  if (became == gateway::delivery::no_room) {
    const auto* what = header.final ? "its end" : "a part";
    world_.tell(self_, number, "has no room for {}", what);
    return header.final ? books_.dropped(number, code) : void();
  }
  if (!header.final) return books_.streamed(number);
  if (header.error)
    world_.tell(self_, number, "answers {}: {}", code, header.error->message);
  else
    world_.tell(self_, number, "answers ok");
  books_.answered(number, code);
  if (code == "not_found") audit_unknown(number);
}

gateway::delivery gateway_host::reply(const gateway::client_address& to, const proto::reply& header,
                                      gateway::frame_list&& frames) {
  const auto became = deliver(to, header, std::move(frames));
  audit_reply(number_of(to, header.id), header, became);
  return became;
}

gateway::delivery gateway_host::deliver(const gateway::client_address& to,
                                        const proto::reply& header, gateway::frame_list&& frames) {
  const auto client = client_of_routing_id_.find(to.routing_id);
  if (client == client_of_routing_id_.end()) return gateway::delivery::gone;
  header_.clear();
  proto::encode(header, header_);
  auto bytes = header_.size() + part_overhead;
  for (const auto& frame : frames) bytes += frame.size() * world_.of().reply_weight + part_overhead;
  const bool has_room = header.error ? unread_.has_room_for_failure(to.connection, bytes)
                                     : unread_.has_room(to.connection, bytes);
  if (!has_room) return gateway::delivery::no_room;
  packet out;
  if (to.empty_delimiter) out.frames.emplace_back();
  out.frames.emplace_back(header_.data(), header_.size());
  for (auto& frame : frames) out.frames.push_back(std::move(frame));
  out.frames.back() = unread_.hold(to.connection, std::move(out.frames.back()), bytes);
  world_.net().send(client->second, self_, std::move(out));
  books_.unread(unread_.total(), clients_met_);
  return gateway::delivery::sent;
}

/// Only a new gateway may not have heard of a model, and of one whose engines are new.
void gateway_host::audit_unknown(std::uint64_t number) {
  auto& audit = world_.audit();
  const auto then = world_.truth() - learning;
  if (born_ < then && audit.was_up(audit.plan(number).model, then))
    audit.found(invariant::right_answer, "a model that exists is not found", number);
}

// --- to engines ----------------------------------------------------------------------------

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
  if (header.op == "infer" || header.op == "generate")
    books_.sent(number_in(header.traceparent), header.attempt, to, !sent, header.alone, now_);
  if (header.op == "cancel") books_.cancelled(header.attempt);
  if (header.attempt)
    world_.tell(self_, books_.number_of(header.attempt), "{} attempt {:x} to {:x}{}{}", header.op,
                header.attempt.value, to.value, header.alone ? ", alone" : "",
                sent ? "" : ": the link is gone");
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
  books_.link_closed(link.incarnation, now_);
  world_.tell(self_, 0, "closes the link to {} {:x}", link.engine, link.incarnation.value);
  const auto found = engines_.find(link.incarnation);
  if (found == engines_.end()) return;
  world_.net().close(found->second.on, self_);
  engine_of_connection_.erase(found->second.on);
  engines_.erase(found);
}

}  // namespace coppice::simulation
