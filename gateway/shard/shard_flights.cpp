#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"

namespace coppice::gateway {

namespace {

/// What a request says of itself. The views need `request`.
flight flight_of(const client_request& request) {
  const auto& header = request.header;
  flight out;
  out.id = header.id.bytes;
  out.key = header.key;
  out.session = header.session;
  out.tenant = request.tenant;
  out.priority_class = name_of(priority_of(header.priority_class));
  out.version = header.version;
  return out;
}

/// The row as it is now. The views need the row.
flight flight_of(const ledger_row& row, steady_time now) {
  auto out = flight_of(row.request);
  out.row = row.id;
  out.arrived = row.arrived;
  out.ended = now;
  out.incarnation = row.answer.by ? row.answer.by : row.incarnation;
  out.sent = row.sent;
  out.answered = row.answer.at;
  out.batch_us = row.answer.batch_us;
  out.compute_us = row.answer.compute_us;
  out.batch_rows = row.answer.batch_rows;
  out.release = row.answer.release;
  out.attempts = row.attempts;
  out.refusals = row.refusals;
  if (row.sent_version > 0) out.version = row.sent_version;
  return out;
}

std::string how_it_ended(const attempt_failure& failure) {
  switch (failure.how) {
    case attempt_end::refused:
    case attempt_end::unsent:
      return "refused: " + failure.reason;
    case attempt_end::suspect:
      return "suspect, it ran when " + failure.reason;
    case attempt_end::hung_suspect:
      return "suspect of a hang, it ran when " + failure.reason;
    case attempt_end::answered:
      return std::string{code_name(failure.code)} + ": " + failure.reason;
    case attempt_end::link_lost:
    case attempt_end::engine_lost:
      break;
  }
  return failure.reason;
}

std::string what_it_waits_for(const retry_decision& decision) {
  using action = retry_decision::action;
  if (decision.what == action::pause) return "a pause before the next attempt, then credit";
  if (decision.what == action::owe) return "the model's retry budget, then credit";
  if (decision.what == action::alone) return "held as a suspect, to run alone";
  return {};
}

bool is_called(const client_request& request, std::string_view target) {
  return request.header.key == target || shown_id(request.header.id) == target;
}

}  // namespace

void shard::take_answer(ledger_row& row, proto::link_reply& reply, steady_time now) {
  row.answer = {row.incarnation,      now,
                reply.times.batch_us, reply.times.compute_us,
                reply.batch_rows,     std::move(reply.release)};
}

void shard::note_lost(const ledger_row& row, const attempt_failure& failure,
                      const retry_decision& decision, steady_time now) {
  recorder_.attempt_lost(
      row.id, {row.incarnation, row.sent, now, how_it_ended(failure), what_it_waits_for(decision)});
}

void shard::note_held(const ledger_row& row, steady_time now) {
  recorder_.attempt_lost(
      row.id, {{}, now, now, {}, "held: requests with this content are suspected of killing"});
}

void shard::remember(const ledger_row& row, const error* why, steady_time now) {
  auto ended = flight_of(row, now);
  if (why != nullptr) ended.code = why->code, ended.message = why->message;
  recorder_.record(*row.on->flight, ended);
}

void shard::refuse(const client_request& request, const error& why, steady_time now) {
  auto ended = flight_of(request);
  ended.arrived = ended.ended = now;
  ended.code = why.code;
  ended.message = why.message;
  recorder_.refused(request.header.model, ended);
  count_refused(request, why.code, now);
  refuse(request, why);
}

expected<proto::explanation> shard::explain(std::string_view target, steady_time now) {
  const ledger_row* open = nullptr;
  for (const auto id :
       ledger_.select([&](const ledger_row& row) { return is_called(row.request, target); }))
    if (const auto* row = ledger_.find(id); open == nullptr || row->arrived >= open->arrived)
      open = row;
  if (open != nullptr) return recorder_.explain_open(*open->on->flight, flight_of(*open, now));
  return recorder_.explain(target, now);
}

}  // namespace coppice::gateway
