#include "gateway/shard/fingerprint.hpp"
#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"
#include "proto/codec/codec.hpp"
#include "proto/codec/tokens.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

constexpr std::size_t ok_code = 16;

error poisonous() { return {errc::poison, "Requests with this content end their engines.", 0}; }

error too_old() {
  return {errc::overloaded, "The queue stands: the request waited longer than it should.", 100};
}

waiting_row entry_of(const ledger_row& row) {
  waiting_row entry;
  entry.rank = priority_of(row.request.header.priority_class);
  entry.tenant = row.payer->id();
  entry.weight = row.payer->weight();
  entry.deadline = row.deadline;
  entry.row = row.id;
  entry.cost = row.cost;
  return entry;
}

double seconds(duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

// --- waiting -------------------------------------------------------------------------------

void shard::wait(ledger_row& row, steady_time now) {
  auto entry = entry_of(row);
  entry.since = now;
  row.on->waiting.push(entry);
  row.state = row_state::waiting;
  ++waiting_;
}

void shard::leave_queue(ledger_row& row) {
  row.on->waiting.remove(entry_of(row));
  --waiting_;
}

void shard::pause(ledger_row& row, steady_time until) {
  row.state = row_state::paused;
  row.resume_at = until;
  paused_.push({until, row.id});
}

bool shard::may_go(ledger_row& row, steady_time now) {
  if (poison_.empty()) return true;
  if (row.content == proto::fingerprint{})
    row.content = fingerprint_of(row.request.header, row.request.frames);
  switch (poison_.ask(row.content, row.id, now)) {
    case poison_verdict::go:
      row.alone = false;
      return true;
    case poison_verdict::alone:
      return row.alone = true;
    case poison_verdict::hold:
      if (row.state == row_state::waiting) leave_queue(row);
      row.state = row_state::held;
      note_held(row, now);
      return false;
    case poison_verdict::refuse:
      break;
  }
  finish_with_error(row, poisonous(), outcome::failed, now);
  return false;
}

// --- sending -------------------------------------------------------------------------------

credit_line* shard::line_for(const ledger_row& row, steady_time now) {
  auto& on = *row.on;
  if (on.breakers.empty() && !row.avoid) return on.credit.spend(row.cost);
  const auto may = [&](incarnation_id to) { return on.breakers.may_send(to, now); };
  const auto elsewhere = [&](incarnation_id to) { return to != row.avoid && may(to); };
  if (auto* line = on.credit.spend(row.cost, elsewhere)) return line;
  if (auto* line = on.credit.spend(row.cost, may)) return line;
  // Where every engine is closed to attempts, one may still go out.
  if (on.credit.any(may) || !on.breakers.may_probe()) return nullptr;
  return on.credit.spend(row.cost);
}

proto::link_request shard::attempt_for(ledger_row& row, const credit_line& line, steady_time now) {
  const auto& header = row.request.header;
  proto::link_request out;
  out.op = "infer";
  out.incarnation = line.incarnation;
  out.model = header.model;
  out.version = line.version;
  out.timeout_us = to_us(row.deadline - now);
  out.attempt = ledger_.begin_attempt(row, line.incarnation, now);
  out.inputs = header.inputs;
  out.outputs = header.outputs;
  out.parameters = header.parameters;
  out.traceparent = header.traceparent;
  out.alone = row.alone;
  if (row.stream == nullptr) return out;
  out.op = "generate";
  out.stream = true;
  out.window = row.stream->begin_attempt();
  out.emitted = proto::pack_tokens(row.stream->emitted());
  return out;
}

bool shard::try_send(ledger_row& row, steady_time now) {
  auto* line = line_for(row, now);
  if (line == nullptr) return false;
  const auto out = attempt_for(row, *line, now);
  row.sent_version = line->version;
  if (counts_ != nullptr) counts_->attempts.Increment();
  if (effects_.send(line->incarnation, out, row.request.frames)) {
    row.on->breakers.sent(row.incarnation);
    row.state = row_state::sent;
    return true;
  }
  // The link is gone; its credit with it. Each round forgets a line, so this ends.
  row.on->credit.forget(row.incarnation);
  ledger_.end_attempt(row);
  --row.attempts;
  return try_send(row, now);
}

void shard::spend_credit(route& on, steady_time now) {
  while (!on.waiting.empty()) {
    const auto front = on.waiting.front();
    auto& row = *ledger_.find(front.row);
    if (on.guard.too_old(options_.limits, front, now)) {
      finish_with_error(row, too_old(), outcome::failed, now);
    } else if (on.guard.too_late(front, now)) {
      miss_deadline(row, now);
    } else if (may_go(row, now)) {
      if (!try_send(row, now)) return;
      on.waiting.pop();
      --waiting_;
      on.guard.sent(options_.limits, front.rank, now - front.since, now);
    }
  }
}

void shard::send_cancel(const ledger_row& row) {
  if (!row.attempt) return;
  proto::link_request out;
  out.op = "cancel";
  out.incarnation = row.incarnation;
  out.attempt = row.attempt;
  effects_.send(row.incarnation, out, {});
}

// --- what comes back -----------------------------------------------------------------------

void shard::on_link_message(frame_list&& message, steady_time now) {
  if (message.size() < 2) return;
  auto reply = proto::decode<proto::link_reply>(
      {static_cast<const char*>(message[1].data()), message[1].size()});
  if (!reply) return;
  auto* link = links_.find(reply->incarnation);
  if (link == nullptr) return;
  link->heard = now;
  if (reply->op != "reply" && reply->op != "refused" && reply->op != "chunk") return;
  auto* row = ledger_.find(reply->attempt, reply->incarnation);
  if (row == nullptr) {
    if (counts_ != nullptr) counts_->late_replies.Increment();
    return;
  }
  if (reply->op == "refused") return take_refusal(*row, now);
  message.erase(message.begin(), message.begin() + 2);
  if (reply->op == "chunk") return take_chunk(*row, *reply, message, now);
  take_reply(*row, std::move(*reply), std::move(message), now);
}

/// What the scheduler hears of the engine: answers and faults of its own, never bad input.
void shard::count_for_scheduler(const ledger_row& row, const proto::link_reply& reply,
                                duration took) {
  const auto code = reply.error ? code_from_name(reply.error->code) : errc::invalid;
  const bool fault = code == errc::internal || code == errc::model_error;
  if (!reply.error || fault)
    row.on->credit.ended(row.incarnation, row.sent_version, !reply.error, took);
}

/// The evidence that the reply is of its engine.
void shard::judge_engine(const ledger_row& row, const proto::link_reply& reply, steady_time now) {
  auto& on = *row.on;
  if (reply.error && code_from_name(reply.error->code) == errc::internal)
    on.breakers.failed(row.incarnation, now, draw());
  else if (!on.breakers.empty())
    on.breakers.succeeded(row.incarnation);
}

void shard::take_reply(ledger_row& row, proto::link_reply&& reply, frame_list&& frames,
                       steady_time now) {
  auto& on = *row.on;
  const auto took = now - row.sent;
  const bool drains = !draining_.empty() && draining_.contains(row.incarnation);
  on.credit.give_back(row.incarnation, row.sent_version, row.cost, drains ? 0 : reply.credit, now);
  count_for_scheduler(row, reply, took);
  on.guard.answered(row.cost, took, row.sent > row.arrived, !on.waiting.empty(), now);
  row.payer->charge(
      compute_share(std::chrono::microseconds{reply.times.compute_us}, row.cost, reply.batch_rows),
      now);
  on.times.add(took);
  judge_engine(row, reply, now);
  if (row.alone) poison_.trial_ended(row.content, row.id, false, now);
  if (reply.error)
    attempt_failed(
        row, {attempt_end::answered, code_from_name(reply.error->code), reply.error->message}, now);
  else if (row.stream != nullptr)
    end_stream(row, std::move(reply), frames, now);
  else
    complete(row, std::move(reply), std::move(frames), now);
  spend_credit(on, now);
  carry_out_orders(now);
}

void shard::take_refusal(ledger_row& row, steady_time now) {
  auto& on = *row.on;
  on.credit.refused(row.incarnation, row.sent_version, row.cost);
  on.breakers.released(row.incarnation);
  --row.attempts;
  ++row.refusals;
  holdings_changed_ = true;
  if (counts_ != nullptr) counts_->refusals.Increment();
  attempt_failed(row, {attempt_end::refused, errc::overloaded, "The engine was full."}, now);
  spend_credit(on, now);
}

// --- losses --------------------------------------------------------------------------------

void shard::on_link_reset(const std::string& endpoint, steady_time now) {
  if (auto* link = links_.find_endpoint(endpoint)) link->reset = now;
}

void shard::on_engine_down(const proto::engine_down& down, steady_time now) {
  draining_.erase(down.incarnation);
  const auto* link = links_.find(down.incarnation);
  if (link == nullptr) return;
  const auto gone = *link;
  link_lost(
      gone,
      {down.reason, death_cause_from(down.cause), {down.suspects.begin(), down.suspects.end()}},
      now);
}

void shard::link_lost(const engine_link& link, const engine_end& end, steady_time now) {
  effects_.close_link(link);
  links_.close(link.incarnation);
  holdings_changed_ = true;
  for (const auto& [key, each] : routes_) {
    each->credit.forget(link.incarnation);
    each->breakers.forget(link.incarnation);
  }
  const auto lost =
      ledger_.select([&](const ledger_row& row) { return row.incarnation == link.incarnation; });
  for (const auto id : lost) lost_attempt(*ledger_.find(id), link.engine, end, now);
  carry_out_orders(now);
  for (const auto& [key, each] : routes_) spend_credit(*each, now);
  ask(now);
}

void shard::lost_attempt(ledger_row& row, const std::string& engine, const engine_end& end,
                         steady_time now) {
  const bool suspect = end.cause && blames(*end.cause) && end.suspects.contains(row.attempt);
  attempt_failure failure{attempt_end::link_lost, errc::worker_lost, engine + " " + end.reason};
  if (end.cause) failure.how = attempt_end::engine_lost;
  if (suspect)
    failure.how = end.cause == death_cause::hang ? attempt_end::hung_suspect : attempt_end::suspect;
  log_lost_attempt(row, failure.reason);
  if (suspect && row.alone) poison_.trial_ended(row.content, row.id, true, now);
  const auto id = row.id;
  attempt_failed(row, failure, now);
  if (counts_ != nullptr && ledger_.find(id) != nullptr) counts_->retries.Increment();
}

/// Its credit has been dealt with; what follows?
void shard::attempt_failed(ledger_row& row, const attempt_failure& failure, steady_time now) {
  const auto& header = row.request.header;
  tried_request tried;
  tried.at_most_once = header.at_most_once;
  tried.ran_alone = row.alone;
  tried.stream_began = row.stream != nullptr && !row.stream->emitted().empty();
  tried.resumable = row.stream != nullptr && row.stream->can_move();
  tried.attempts = row.attempts;
  tried.refusals = row.refusals;
  tried.time_left = row.deadline - now;
  tried.usual_time = row.on->times.quantile(0.5);
  auto decision = decide(options_.retries, tried, failure, draw());
  if (decision.charged && !row.on->budget.take(now)) {
    decision.what = retry_decision::action::end;
    decision.why = out_of_budget(failure);
  }
  note_lost(row, failure, decision, now);
  row.avoid = row.incarnation;
  ledger_.end_attempt(row);
  row.state = row_state::idle;
  follow(row, decision, now);
}

void shard::follow(ledger_row& row, const retry_decision& decision, steady_time now) {
  using action = retry_decision::action;
  switch (decision.what) {
    case action::again:
      return wait(row, now);
    case action::pause:
      return pause(row, now + decision.wait);
    case action::alone:
      row.state = row_state::held;
      if (row.content == proto::fingerprint{})
        row.content = fingerprint_of(row.request.header, row.request.frames);
      return poison_.suspect(row.content, row.id, now);
    case action::end:
      return finish_with_error(
          row, decision.why,
          decision.why.code == errc::deadline ? outcome::expired : outcome::failed, now);
  }
}

void shard::carry_out_orders(steady_time now) {
  while (poison_.has_orders()) {
    auto orders = poison_.take_orders();
    if (!orders.suspects.empty()) effects_.suspect({options_.gateway, std::move(orders.suspects)});
    for (auto& each : orders.results) effects_.tell(std::move(each));
    for (const auto* freed : {&orders.alone, &orders.go})
      for (const auto id : *freed)
        if (auto* row = ledger_.find(id); row != nullptr && row->state == row_state::held) {
          row->alone = freed == &orders.alone;
          wait(*row, now);
          spend_credit(*row->on, now);
        }
    for (const auto id : orders.refuse)
      if (auto* row = ledger_.find(id); row != nullptr && row->state == row_state::held)
        finish_with_error(*row, poisonous(), outcome::failed, now);
    ask(now);
  }
}

// --- outcomes ------------------------------------------------------------------------------

void shard::count(const ledger_row& row, std::size_t code, steady_time now) {
  auto* counts = row.on->counts;
  if (counts == nullptr) return;
  counts->requests[code]->Increment();
  counts->total_seconds->Observe(seconds(now - row.arrived));
}

ledger_row shard::close(ledger_row& row, outcome how) {
  row.payer->close(row.request.bytes);
  return ledger_.close(row, how);
}

/// The final reply of a row that succeeded, counted.
proto::reply shard::success(ledger_row& row, steady_time now) {
  proto::reply out;
  out.model = row.request.header.model;
  out.version = row.sent_version;
  out.final = true;
  out.times = proto::timing{to_us(row.sent - row.arrived), row.answer.batch_us,
                            row.answer.compute_us, to_us(now - row.arrived), row.attempts};
  if (row.on->counts != nullptr)
    row.on->counts->queue_seconds->Observe(seconds(row.sent - row.arrived));
  count(row, ok_code, now);
  row.on->budget.succeeded();
  remember(row, nullptr, now);
  return out;
}

void shard::complete(ledger_row& row, proto::link_reply&& reply, frame_list&& frames,
                     steady_time now) {
  take_answer(row, reply, now);
  auto out = success(row, now);
  out.outputs = std::move(reply.outputs);
  auto closed = close(row, outcome::completed);
  clients_.answer(closed, std::move(out), std::move(frames), now);
}

void shard::finish_with_error(ledger_row& row, const error& why, outcome how, steady_time now) {
  if (row.attempt) {
    row.on->credit.give_back(row.incarnation, row.sent_version, row.cost, 0, now);
    row.on->breakers.released(row.incarnation);
  } else if (row.state == row_state::waiting) {
    leave_queue(row);
  }
  if (row.alone || row.state == row_state::held) poison_.closed(row.content, row.id);
  count(row, static_cast<std::size_t>(why.code), now);
  log_failure(row, why);
  remember(row, &why, now);
  proto::reply out;
  out.error = as_body(why);
  out.final = true;
  auto closed = close(row, how);
  clients_.answer(closed, std::move(out), {}, now);
}

void shard::cancel_rows(const std::vector<row_id>& rows, const char* why, steady_time now) {
  for (const auto id : rows)
    if (auto* row = ledger_.find(id)) {
      send_cancel(*row);
      finish_with_error(*row, {errc::cancelled, why, 0}, outcome::cancelled, now);
    }
  carry_out_orders(now);
}

}  // namespace coppice::gateway
