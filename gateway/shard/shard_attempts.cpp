#include "gateway/shard/fingerprint.hpp"
#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"
#include "proto/codec/codec.hpp"
#include "proto/codec/tokens.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

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

/// What an engine and the way there took of an attempt: not its wait in that engine's queue, which
/// comes of what was placed there. Of a stream nothing, whose length and reader decide how long it
/// takes.
duration own_time(const ledger_row& row, const proto::link_reply& reply, duration took) {
  if (row.stream) return duration{0};
  return took - std::chrono::microseconds{std::min(reply.times.batch_us, to_us(took))};
}

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

const proto::fingerprint& shard::content_of(ledger_row& row) {
  if (row.content == proto::fingerprint{})
    row.content = fingerprint_of(row.request.header, row.request.frames);
  return row.content;
}

bool shard::may_go(ledger_row& row, steady_time now) {
  if (poison_.empty()) return true;
  switch (poison_.ask(content_of(row), row.id, now)) {
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

proto::link_request shard::attempt_for(ledger_row& row, const credit_line& line, attempt_id attempt,
                                       steady_time now) {
  const auto& header = row.request.header;
  proto::link_request out;
  out.op = "infer";
  out.incarnation = line.incarnation;
  out.model = header.model;
  out.version = line.version;
  out.timeout_us = to_us(row.deadline - now);
  out.attempt = attempt;
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
  const auto attempt = ledger_.begin_attempt(row, line->incarnation, now);
  const auto out = attempt_for(row, *line, attempt, now);
  row.sent_version = line->version;
  if (counts_ != nullptr) counts_->attempts.Increment();
  if (effects_.send(line->incarnation, out, row.request.frames)) {
    note_large(line->incarnation, row.request.bytes);
    row.on->breakers.sent(row.incarnation);
    row.state = row_state::sent;
    watch_for_hedge(row, now);
    return true;
  }
  // The link is gone; its credit with it. Each round forgets a line, so this ends.
  row.on->credit.forget(row.incarnation);
  ledger_.end_attempt(row);
  --row.attempts;
  return try_send(row, now);
}

void shard::note_large(incarnation_id to, std::size_t bytes) {
  if (bytes < proto::large_message_bytes) return;
  if (auto* link = links_.find(to)) links_.carries(*link, bytes);
}

void shard::spend_credit(route& on, steady_time now) {
  while (!on.waiting.empty()) {
    const auto front = on.waiting.front();
    auto& row = *ledger_.find(front.row);
    if (on.guard.too_old(options_.limits, front, now)) {
      count(shed_reason::queue_age, row.request);
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

void shard::send_cancel(incarnation_id to, attempt_id attempt) {
  if (!attempt) return;
  proto::link_request out;
  out.op = "cancel";
  out.incarnation = to;
  out.attempt = attempt;
  effects_.send(to, out, {});
  if (counts_ != nullptr) counts_->cancels.Increment();
}

// --- what comes back -----------------------------------------------------------------------

void shard::on_link_message(frame_list&& message, steady_time now) {
  if (message.size() < 2) return;
  auto reply = proto::decode<proto::link_reply>(
      {static_cast<const char*>(message[1].data()), message[1].size()});
  if (!reply) return;
  auto* link = links_.find(reply->incarnation);
  if (link == nullptr) return;
  links_.heard(*link);
  if (unreachable_.remove(link->incarnation)) holdings_changed_ = true;
  const bool takes_nothing_new = link->doubted || draining_.contains(link->incarnation);
  if (takes_nothing_new) reply->credit = 0;
  if (reply->bytes > 0) links_.carries(*link, std::min(reply->bytes, proto::max_request_bytes));
  if (reply->op != "reply" && reply->op != "refused" && reply->op != "chunk") return;
  auto* row = ledger_.find(reply->attempt, reply->incarnation);
  if (row == nullptr) {
    if (counts_ != nullptr) counts_->late_replies.Increment();
    return;
  }
  ledger_.lead(*row, reply->attempt);
  if (reply->op == "refused") return take_refusal(*row, now);
  message.erase(message.begin(), message.begin() + 2);
  if (reply->op == "chunk") return take_chunk(*row, *reply, message, now);
  take_reply(*row, std::move(*reply), std::move(message), now);
}

/// What the scheduler hears of the engine: answers and faults of its own, never bad input, nor a
/// time in which it was this process that stood still.
void shard::count_for_scheduler(const ledger_row& row, const proto::link_reply& reply,
                                duration took, steady_time now) {
  const auto code = reply.error ? code_from_name(reply.error->code) : errc::invalid;
  const bool fault = code == errc::internal || code == errc::model_error;
  if (!fault && links_.stood_still_since(row.sent, now)) return;
  if (!reply.error || fault)
    row.on->credit.ended(row.incarnation, row.sent_version, !reply.error,
                         own_time(row, reply, took));
}

void shard::blame(route& on, incarnation_id engine, steady_time now) {
  if (on.breakers.failed(engine, now, draw()) && counts_ != nullptr)
    counts_->breaker_opens.Increment();
}

/// The evidence that the reply is of its engine.
void shard::judge_engine(const ledger_row& row, const proto::link_reply& reply, steady_time now) {
  auto& on = *row.on;
  if (reply.error && code_from_name(reply.error->code) == errc::internal)
    blame(on, row.incarnation, now);
  else if (!on.breakers.empty())
    on.breakers.succeeded(row.incarnation);
}

void shard::take_reply(ledger_row& row, proto::link_reply&& reply, frame_list&& frames,
                       steady_time now) {
  auto& on = *row.on;
  const auto took = now - row.sent;
  on.credit.give_back(row.incarnation, row.sent_version, row.cost, reply.credit);
  count_for_scheduler(row, reply, took, now);
  on.guard.answered(row.cost, took, row.sent > row.arrived, !on.waiting.empty(), now);
  row.payer->charge(
      compute_share(std::chrono::microseconds{reply.times.compute_us}, row.cost, reply.batch_rows),
      now);
  on.times.add(took);
  judge_engine(row, reply, now);
  if (row.alone) end_trial(row.content, row.id, false, now);
  const bool goes_on =
      reply.error && row.hedge.attempt && !is_settled(code_from_name(reply.error->code));
  if (!goes_on) drop_second(row);
  if (goes_on)
    ledger_.end_attempt(row);
  else if (reply.error)
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
  if (row.hedge.attempt)
    ledger_.end_attempt(row);
  else
    attempt_failed(row, {attempt_end::refused, errc::overloaded, "The engine was full."}, now);
  spend_credit(on, now);
}

}  // namespace coppice::gateway
