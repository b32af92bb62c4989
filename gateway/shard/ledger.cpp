#include "gateway/shard/ledger.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

constexpr std::uint64_t make_id(std::uint32_t slot, std::uint32_t count) {
  return (std::uint64_t{count} << 32) | slot;
}

constexpr std::uint32_t slot_of(std::uint64_t id) { return static_cast<std::uint32_t>(id); }

}  // namespace

ledger_row& ledger::open(client_request&& request, route& on, std::uint32_t cost, steady_time now) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back().attempts = first_attempt_;
  }
  const auto index = free_.back();
  free_.pop_back();
  auto& home = slots_[index];
  auto& row = home.row.emplace();
  row.id = {make_id(index, ++home.generation)};
  row.on = &on;
  row.cost = cost;
  row.arrived = now;
  row.deadline = now + std::chrono::milliseconds{request.header.timeout_ms};
  row.request = std::move(request);
  deadlines_.push(row.id, row.deadline);
  bytes_ += row.request.bytes;
  ++open_;
  ++totals_.accepted;
  return row;
}

ledger_row* ledger::find(row_id id) noexcept {
  const auto index = slot_of(id.value);
  if (index >= slots_.size() || !slots_[index].row) return nullptr;
  auto& row = *slots_[index].row;
  return row.id == id ? &row : nullptr;
}

ledger_row* ledger::find(attempt_id attempt, incarnation_id incarnation) noexcept {
  const auto index = slot_of(attempt.value);
  if (!attempt || index >= slots_.size() || !slots_[index].row) return nullptr;
  auto& row = *slots_[index].row;
  if (row.attempt == attempt && row.incarnation == incarnation) return &row;
  return row.hedge.attempt == attempt && row.hedge.incarnation == incarnation ? &row : nullptr;
}

attempt_id ledger::begin_attempt(ledger_row& row, incarnation_id incarnation, steady_time now) {
  const auto index = slot_of(row.id.value);
  row.attempt = {make_id(index, ++slots_[index].attempts)};
  row.incarnation = incarnation;
  row.sent = now;
  ++row.attempts;
  return row.attempt;
}

attempt_id ledger::begin_hedge(ledger_row& row, incarnation_id incarnation, std::uint32_t version,
                               steady_time now) {
  const auto index = slot_of(row.id.value);
  row.hedge = {{make_id(index, ++slots_[index].attempts)}, incarnation, version, now};
  ++row.attempts;
  return row.hedge.attempt;
}

bool ledger::end_attempt(ledger_row& row) noexcept {
  row.attempt = row.hedge.attempt;
  row.incarnation = row.hedge.incarnation;
  if (row.hedge.attempt) row.sent_version = row.hedge.sent_version, row.sent = row.hedge.sent;
  row.hedge = {};
  return static_cast<bool>(row.attempt);
}

bool ledger::end_attempt(ledger_row& row, attempt_id which) noexcept {
  if (which == row.attempt) return end_attempt(row);
  if (which && which == row.hedge.attempt) row.hedge = {};
  return static_cast<bool>(row.attempt);
}

second_attempt ledger::keep_only(ledger_row& row, attempt_id winner) noexcept {
  lead(row, winner);
  return std::exchange(row.hedge, {});
}

void ledger::lead(ledger_row& row, attempt_id which) noexcept {
  if (!which || which != row.hedge.attempt) return;
  const second_attempt first{row.attempt, row.incarnation, row.sent_version, row.sent};
  end_attempt(row);
  row.hedge = first;
}

ledger_row ledger::close(ledger_row& row, outcome how) {
  const auto index = slot_of(row.id.value);
  auto closed = std::move(row);
  slots_[index].row.reset();
  free_.push_back(index);
  bytes_ -= closed.request.bytes;
  --open_;
  ++totals_.ended[static_cast<int>(how)];
  deadlines_.ended([this](row_id each) { return find(each) != nullptr; });
  return closed;
}

std::vector<row_id> ledger::expired(steady_time now) {
  return deadlines_.passed(now, [this](row_id each) { return find(each) != nullptr; });
}

std::vector<row_id> ledger::select(const std::function<bool(const ledger_row&)>& predicate) const {
  std::vector<row_id> chosen;
  for (const auto& each : slots_)
    if (each.row && predicate(*each.row)) chosen.push_back(each.row->id);
  return chosen;
}

}  // namespace coppice::gateway
