#include "gateway/shard/shard.hpp"

namespace coppice::gateway {

namespace {

/// Share of the credit in hand that is in use; 1 while rows wait for more.
double load_of(const route& on) {
  if (!on.waiting.empty()) return 1;
  const auto used = on.credit.in_flight();
  const auto all = used + on.credit.idle();
  return all == 0 ? 1 : static_cast<double>(used) / all;
}

}  // namespace

/// A request that went out for the first time may get a second attempt when it takes too long.
void shard::watch_for_hedge(const ledger_row& row, steady_time now) {
  auto& on = *row.on;
  if (on.hedge_after <= duration{0} || row.attempts != 1) return;
  if (row.alone || row.stream != nullptr || row.request.header.at_most_once) return;
  on.hedges.sent(row.id, row.attempt, now);
}

void shard::send_due_hedges(route& on, steady_time now) {
  if (on.hedge_after <= duration{0}) return;
  while (const auto due = on.hedges.next_due(on.hedge_after, on.times, load_of(on), now)) {
    auto* row = ledger_.find(due->row);
    if (row == nullptr || row->attempt != due->attempt) continue;
    if (poison_.empty() || !poison_.watches(content_of(*row))) send_hedge(*row, now);
  }
}

void shard::send_hedge(ledger_row& row, steady_time now) {
  auto& on = *row.on;
  auto* line = on.credit.spend(row.cost, [&](incarnation_id to) {
    return to != row.incarnation && on.breakers.may_send(to, now);
  });
  if (line == nullptr) return;
  const auto to = line->incarnation;
  const auto version = line->version;
  if (!on.budget.take(now)) return on.credit.give_back(to, version, row.cost, row.cost);
  const auto second = ledger_.begin_hedge(row, to, version, now);
  if (!effects_.send(to, attempt_for(row, *line, second, now), row.request.frames)) {
    on.credit.forget(to);
    ledger_.end_attempt(row, second);
    --row.attempts;
    return;
  }
  note_large(to, row.request.bytes);
  on.hedges.hedged();
  on.breakers.sent(to);
  if (counts_ != nullptr) counts_->attempts.Increment(), counts_->hedges.Increment();
}

/// The row's second attempt is not needed any more.
void shard::drop_second(ledger_row& row) {
  const auto second = ledger_.keep_only(row, row.attempt);
  if (!second.attempt) return;
  send_cancel(second.incarnation, second.attempt);
  row.on->credit.give_back(second.incarnation, second.sent_version, row.cost, 0);
  row.on->breakers.released(second.incarnation);
}

}  // namespace coppice::gateway
