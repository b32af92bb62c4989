#include "gateway/shard/clients.hpp"

#include "gateway/shard/fingerprint.hpp"
#include "proto/codec/reader.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

/// The id as a number; 0: it is none. Ids of a session that grow are what `acked` speaks of.
std::uint64_t number_of(const proto::raw_value& id) {
  proto::reader from{id.bytes};
  std::uint64_t number = 0;
  return from.read(number) ? number : 0;
}

error not_read_once() {
  return {errc::unknown_outcome,
          "The request ran, and its result was dropped: too many bytes wait for the client.", 0};
}

}  // namespace

error not_read() {
  return {errc::overloaded, "The client does not take its replies: too many bytes wait for it.",
          100};
}

proto::error_body as_body(const error& why) {
  return {std::string{code_name(why.code)}, why.message, describe(why.code).retryable,
          why.retry_after_ms};
}

std::uint32_t clients::heard(const client_request& request) {
  const auto number = sessions_.heard(request.tenant, request.header.session, request.from);
  if (request.header.acked > 0 && sessions_.is_session(number))
    outcomes_.acknowledge(number, request.header.acked);
  return number;
}

clients::inquiry clients::look_up(const client_request& request, steady_time now) {
  const auto& header = request.header;
  inquiry asked;
  if (header.key.empty()) return asked;
  asked.key = hash_(request.tenant, header.key);
  asked.content = fingerprint_of(header, request.frames);
  asked.found = outcomes_.begin(asked.key, asked.content, now);
  if (asked.found.what == outcome_store::verdict::replay &&
      (header.op != "generate" || asked.found.outcome->header.error))
    send_again(request, *asked.found.outcome);
  return asked;
}

outcome_store::found clients::find(const client_request& request, steady_time now) {
  if (request.header.key.empty()) return {};
  return outcomes_.find(hash_(request.tenant, request.header.key), now);
}

void clients::send_again(const client_request& request, const kept_outcome& kept) {
  auto [reply, frames] = replay(kept, request.header.id);
  send(request.from, reply, std::move(frames), !kept.may_not_run_again);
}

void clients::joined(ledger_row& row, const client_request& by, std::uint32_t client) {
  row.request.from = by.from;
  row.request.header.id = by.header.id;
  sessions_.closed(row.id);
  sessions_.opened(client, row.id, row.request.header.stream);
}

void clients::opened(ledger_row& row, std::uint32_t client, const inquiry& asked) {
  const auto& header = row.request.header;
  sessions_.opened(client, row.id, header.stream);
  if (header.key.empty()) return;
  row.content = asked.content;
  const bool in_session = sessions_.is_session(client);
  row.key =
      outcomes_.open(asked.key, asked.content, row.id, in_session ? client : outcome_store::no_slot,
                     in_session ? number_of(header.id) : 0);
}

void clients::answer(ledger_row& closed, proto::reply&& outcome, frame_list&& frames,
                     steady_time now, std::optional<kept_outcome> whole) {
  const auto& to = address_of(closed);
  sessions_.closed(closed.id);
  outcome.id = std::move(closed.request.header.id);
  const bool once = closed.request.header.at_most_once && closed.attempts > 0;
  if (closed.key == outcome_store::no_slot) return send(to, outcome, std::move(frames), !once);
  const auto code =
      outcome.error ? std::optional{code_from_name(outcome.error->code)} : std::nullopt;
  if (!is_kept(code, once)) {
    outcomes_.forget(closed.key);
    return send(to, outcome, std::move(frames));
  }
  auto kept = whole ? std::move(whole->frames) : share(frames);
  send(to, outcome, std::move(frames), !once);  // it may ask a gateway that has not kept it
  outcomes_.done(closed.key,
                 {whole ? std::move(whole->header) : std::move(outcome), std::move(kept), once},
                 closed.deadline, now);
}

void clients::send(const client_address& to, const proto::reply& reply, frame_list&& frames,
                   bool may_ask_again) {
  auto what = effects_.reply(to, reply, std::move(frames));
  if (what == delivery::no_room && !reply.error) {
    proto::reply instead;
    instead.id = reply.id;
    instead.error = as_body(may_ask_again ? not_read() : not_read_once());
    instead.final = true;
    what = effects_.reply(to, instead, {});
    if (counts_ != nullptr) counts_->displaced_results.Increment();
  }
  if (what != delivery::sent && counts_ != nullptr) counts_->dropped_replies.Increment();
}

const client_address& clients::address_of(ledger_row& row) const {
  sessions_.readdress(row.id, row.request.from);
  return row.request.from;
}

void clients::refuse(const client_address& to, const proto::raw_value& id, const error& why) {
  proto::reply reply;
  reply.id = id;
  reply.error = as_body(why);
  reply.final = true;
  send(to, reply, {});
}

void clients::answer_at_once(const client_request& request, proto::reply&& reply) {
  reply.id = request.header.id;
  reply.final = true;
  send(request.from, reply, {});
}

std::vector<row_id> clients::rows_of(const client_request& request) const {
  return sessions_.rows_of(request.tenant, request.header.session, request.from);
}

std::vector<row_id> clients::tick(steady_time now) {
  outcomes_.expire(now);
  auto gone = sessions_.given_up(now);
  for (const auto ended : sessions_.take_ended()) outcomes_.session_ended(ended);
  return gone;
}

}  // namespace coppice::gateway
