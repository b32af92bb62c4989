#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"

namespace coppice::gateway {

namespace {

constexpr std::size_t ok_code = 16;

double seconds(duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void shard::count(const ledger_row& row, std::size_t code, steady_time now) {
  auto* counts = row.on->counts;
  if (counts == nullptr) return;
  const auto rank = index_of(priority_of(row.request.header.priority_class));
  const auto waited = (row.attempts > 0 ? row.sent : now) - row.arrived;
  counts->requests[code]->Increment();
  counts->queue_seconds[rank]->Observe(seconds(waited));
  counts->total_seconds->Observe(seconds(now - row.arrived));
}

void shard::count(shed_reason why, const client_request& request) const {
  if (counts_ != nullptr) counts_->shed.add(why, priority_of(request.header.priority_class));
}

void shard::count_refused(const client_request& request, errc why, steady_time now) {
  if (counts_ == nullptr) return;
  counts_->refused.add(why, priority_of(request.header.priority_class));
  const auto* payer = payer_of(request, now);
  (payer == nullptr ? counts_->of_others() : payer->counts)->refused->Increment();
}

ledger_row shard::close(ledger_row& row, outcome how) {
  row.payer->close(row.request.bytes);
  if (const auto* counts = row.payer->counts)
    counts->ended[static_cast<std::size_t>(how)]->Increment();
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
  drop_second(row);
  if (row.attempt) {
    row.on->credit.give_back(row.incarnation, row.sent_version, row.cost, 0);
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
