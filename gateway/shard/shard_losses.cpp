#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"

#include <algorithm>

namespace coppice::gateway {

void shard::on_link_reset(const std::string& endpoint, steady_time now) {
  if (auto* link = links_.find_endpoint(endpoint)) link->reset = now;
}

void shard::on_engine_down(const proto::engine_down& down, steady_time now) {
  unreachable_.remove(down.incarnation);
  take_late_word(down, now);
  auto* link = links_.find(down.incarnation);
  if (link == nullptr) return carry_out_orders(now);
  const auto gone = *link;
  const auto cause = death_cause_from(down.cause);
  // A node is lost with all its engines, but told of one by one: no retry may go to the next.
  if (cause == death_cause::lost || cause == death_cause::silent)
    for (const auto beside : links_.beside(down.engine))
      for (const auto& [key, each] : routes_) each->credit.drop_idle(beside);
  if (cause == death_cause::silent && links_.was_heard_within(*link, options_.heard_of_late)) {
    link->doubted = holdings_changed_ = true;
    return;
  }
  link_lost(gone, {down.reason, cause, {down.suspects.begin(), down.suspects.end()}}, now);
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
      ledger_.select([&](const ledger_row& row) { return row.is_on(link.incarnation); });
  for (const auto id : lost) {
    auto& row = *ledger_.find(id);
    if (row.incarnation != link.incarnation) ledger_.lead(row, row.hedge.attempt);
  }
  if (!end.cause) remember_unexplained(link.incarnation, lost, now);
  for (const auto id : lost) lost_attempt(*ledger_.find(id), link.engine, end, now);
  carry_out_orders(now);
  for (const auto& [key, each] : routes_) spend_credit(*each, now);
  ask(now);
}

void shard::remember_unexplained(incarnation_id incarnation, const std::vector<row_id>& lost,
                                 steady_time now) {
  unexplained_end end{incarnation, now, {}};
  for (const auto id : lost) {
    auto& row = *ledger_.find(id);
    end.lost.push_back({row.attempt, id, content_of(row), row.alone});
  }
  if (!end.lost.empty()) unexplained_.push_back(std::move(end));
}

/// The link dropped before this word came, and its attempts were placed again; by now a grant that
/// was on its way may even have opened another link. What was running is suspect all the same: else
/// it would end one engine after the other. The orders are the caller's to carry out.
void shard::take_late_word(const proto::engine_down& down, steady_time now) {
  const auto end = std::ranges::find(unexplained_, down.incarnation, &unexplained_end::incarnation);
  // A word that blames nobody may be of one who knows less: the worker's may still come.
  if (end == unexplained_.end() || !blames(death_cause_from(down.cause))) return;
  const auto lost = std::move(end->lost);
  unexplained_.erase(end);
  for (const auto& each : lost)
    if (std::ranges::find(down.suspects, each.attempt) != down.suspects.end())
      suspect_late(each, now);
}

void shard::suspect_late(const unexplained_loss& lost, steady_time now) {
  if (lost.alone) end_trial(lost.content, lost.row, true, now);
  auto* row = ledger_.find(lost.row);
  const bool waits =
      row != nullptr && (row->state == row_state::waiting || row->state == row_state::paused ||
                         row->state == row_state::owing);
  if (!waits) return poison_.suspect(lost.content, {}, now);
  if (row->state == row_state::waiting) leave_queue(*row);
  row->state = row_state::held;
  note_held(*row, now);
  poison_.suspect(lost.content, row->id, now);
}

void shard::lost_attempt(ledger_row& row, const std::string& engine, const engine_end& end,
                         steady_time now) {
  const bool suspect = end.cause && blames(*end.cause) && end.suspects.contains(row.attempt);
  attempt_failure failure{attempt_end::link_lost, errc::worker_lost, engine + " " + end.reason};
  if (end.cause) failure.how = attempt_end::engine_lost;
  if (suspect)
    failure.how = end.cause == death_cause::hang ? attempt_end::hung_suspect : attempt_end::suspect;
  log_lost_attempt(row, failure.reason);
  if (suspect && row.alone) end_trial(row.content, row.id, true, now);
  if (row.hedge.attempt) {  // it goes on elsewhere already
    if (suspect) poison_.suspect(content_of(row), {}, now);
    ledger_.end_attempt(row);
    return;
  }
  attempt_failed(row, failure, now);
}

void shard::count_retry(const retry_decision& decision, const attempt_failure& failure) {
  const bool ran = failure.how != attempt_end::refused && failure.how != attempt_end::unsent;
  using action = retry_decision::action;
  if (counts_ == nullptr || !ran || decision.what == action::end || decision.what == action::owe)
    return;
  (decision.charged ? counts_->retries_charged : counts_->retries_free).Increment();
}

/// Its credit has been dealt with; what follows?
void shard::attempt_failed(ledger_row& row, const attempt_failure& failure, steady_time now) {
  const auto& header = row.request.header;
  tried_request tried;
  tried.at_most_once = header.at_most_once;
  tried.ran_alone = row.alone;
  tried.attempts = row.attempts;
  tried.refusals = row.refusals;
  tried.time_left = row.deadline - now;
  tried.usual_time = row.on->times.quantile(0.5);
  auto decision = decide(options_.retries, tried, failure, draw());
  if (decision.charged && !row.on->budget.take(now))
    decision = without_budget(options_.retries, failure);
  // Whoever asks with this content again is to wait for the judgement.
  if (is_suspect(failure.how) && !row.alone && decision.what == retry_decision::action::end)
    poison_.suspect(content_of(row), {}, now);
  note_lost(row, failure, decision, now);
  count_retry(decision, failure);
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
    case action::owe:
      return owe(row, decision, now);
    case action::alone:
      row.state = row_state::held;
      return poison_.suspect(content_of(row), row.id, now);
    case action::end:
      return finish_with_error(
          row, decision.why,
          decision.why.code == errc::deadline ? outcome::expired : outcome::failed, now);
  }
}

void shard::owe(ledger_row& row, const retry_decision& decision, steady_time now) {
  row.state = row_state::owing;
  row.resume_at = now + decision.wait;
  row.on->owed.push_back({row.id, row.resume_at, decision.why});
}

/// Those at the front of the line go on as far as the budget has tokens.
void shard::retry_owing(route& on, steady_time now) {
  for (; !on.owed.empty(); on.owed.pop_front()) {
    const auto& next = on.owed.front();
    auto* row = ledger_.find(next.row);
    const bool owes =
        row != nullptr && row->state == row_state::owing && row->resume_at == next.until;
    if (!owes) continue;
    if (on.budget.take(now)) {
      if (counts_ != nullptr) counts_->retries_charged.Increment();
      wait(*row, now);
    } else if (now >= next.until) {
      finish_with_error(*row, next.why, outcome::failed, now);
    } else {
      break;
    }
  }
  spend_credit(on, now);
}

void shard::end_trial(const proto::fingerprint& content, row_id row, bool killed, steady_time now) {
  if (counts_ != nullptr) (killed ? counts_->trials_killed : counts_->trials_survived).Increment();
  poison_.trial_ended(content, row, killed, now);
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

}  // namespace coppice::gateway
