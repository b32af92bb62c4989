#include "tests/simulation/gateway_books.hpp"

#include <fmt/format.h>

namespace coppice::simulation {

void gateway_books::asked(std::uint64_t number, steady_time deadline) {
  auto& it = asks_[number];
  if (it.asked++ > it.answered) open_.erase({it.deadline, number});
  it.deadline = deadline;
  open_.insert({deadline, number});
}

void gateway_books::frame(const std::string& op, attempt_id attempt, incarnation_id incarnation) {
  const auto found = attempts_.find(attempt);
  current_ = attempt;
  current_from_ = incarnation;
  current_was_live_ =
      found != attempts_.end() && found->second.live && found->second.incarnation == incarnation;
  if (!current_was_live_ || (op != "reply" && op != "refused")) return;
  if (op == "refused") {
    all_.attempt_refused();
    --asks_[found->second.number].attempts;
  }
  found->second.live = false;
}

void gateway_books::sent(std::uint64_t number, attempt_id attempt, incarnation_id to, bool gone) {
  const auto fresh = attempts_.emplace(attempt, sent_attempt{number, to, !gone}).second;
  if (!fresh) all_.found(invariant::fencing, "an attempt id is used a second time", number);
  if (gone) return;
  live_.emplace(number, attempt);
  all_.attempt_sent(number);
  auto& it = asks_[number];
  if (++it.attempts > it.asked * all_.of().shard.max_attempts)
    all_.found(invariant::amplification, fmt::format("{} attempts of one request", it.attempts),
               number);
  if (down_.contains(to))
    all_.found(invariant::fencing, "an attempt goes to an engine that is known to be dead", number);
}

void gateway_books::cancelled(attempt_id attempt) {
  const auto found = attempts_.find(attempt);
  if (found != attempts_.end()) found->second.live = false;
}

void gateway_books::link_closed(incarnation_id incarnation) {
  for (auto& [id, each] : attempts_) {
    if (!each.live || each.incarnation != incarnation) continue;
    each.live = false;
    all_.attempt_lost(each.number);
  }
}

void gateway_books::check_fence(std::uint64_t number) {
  const auto found = attempts_.find(current_);
  if (!current_)
    all_.found(invariant::fencing, "an engine's answer without an engine's frame", number);
  else if (found == attempts_.end() || found->second.number != number)
    all_.found(invariant::right_answer, "the answer of another request's attempt", number);
  else if (!current_was_live_)
    all_.found(
        invariant::fencing,
        fmt::format("attempt {:x} was fenced, and its answer reaches the client", current_.value),
        number);
}

void gateway_books::answered(std::uint64_t number, bool by_engine) {
  auto& it = asks_[number];
  if (++it.answered > it.asked)
    all_.found(invariant::one_outcome,
               fmt::format("asked {} times, answered {} times", it.asked, it.answered), number);
  open_.erase({it.deadline, number});
  just_answered_.push_back(number);
  if (by_engine) check_fence(number);
}

void gateway_books::handled(const gateway::shard& it) {
  const auto& rows = it.rows();
  const auto& counts = rows.counts();
  auto ended = std::uint64_t{0};
  for (const auto n : counts.ended) ended += n;
  if (counts.accepted != ended + rows.open_rows())
    all_.found(invariant::conservation, fmt::format("{} accepted, {} ended, {} open",
                                                    counts.accepted, ended, rows.open_rows()));
  for (; last_accepted_ < counts.accepted; ++last_accepted_) all_.accepted();
  if (rows.open_bytes() > all_.of().shard.limits.admitted_bytes ||
      (rows.open_rows() == 0 && rows.open_bytes() != 0))
    all_.found(invariant::memory,
               fmt::format("{} rows are open with {} bytes", rows.open_rows(), rows.open_bytes()));
  for (const auto number : just_answered_) check_cancelled(number);
  just_answered_.clear();
  current_ = {};
}

/// A request that came twice may have two rows, and an attempt for each that is open.
void gateway_books::check_cancelled(std::uint64_t number) {
  const auto [first, last] = live_.equal_range(number);
  auto live = std::uint32_t{0};
  for (auto each = first; each != last;) {
    const bool is_live = attempts_[each->second].live;
    live += is_live;
    each = is_live ? std::next(each) : live_.erase(each);
  }
  const auto& it = asks_[number];
  if (live > it.asked - it.answered)
    all_.found(invariant::cancelling, "answered, and an attempt of it goes on", number);
}

void gateway_books::ticked(steady_time now) {
  if (open_.empty() || open_.begin()->first + 50ms >= now) return;
  all_.found(invariant::deadline, "open in the gateway 50 ms after its deadline",
             open_.begin()->second);
}

void gateway_books::finish() {
  if (!open_.empty())
    all_.found(invariant::one_outcome, "never answered by the gateway", open_.begin()->second);
  if (held_ > 0)
    all_.found(invariant::credit,
               fmt::format("{} holdings of credit are left with nothing open", held_));
}

}  // namespace coppice::simulation
