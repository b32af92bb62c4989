#include "tests/simulation/gateway_books.hpp"

#include "gateway/admission/outgoing_bytes.hpp"
#include "gateway/retry/death_cause.hpp"
#include "tests/simulation/payload.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace coppice::simulation {

namespace {

/// The retry table's longest rows allow two attempts beyond the first.
constexpr std::uint32_t most_attempts = 3;

/// A model's budget for retries, as in gateway/retry/retry_budget.hpp.
constexpr double retry_burst = 18, retry_share = 0.05, retries_a_second = 3;

/// So long behind the end of a link its worker's word is surely listened to, and so long no
/// suspicion lapses: less than in gateway/shard/shard.hpp and scheduler/poison/poison_register.hpp.
constexpr duration word_within = 900ms, suspected_for = 5s;

/// These tell of one message; the row goes on.
bool leaves_row_open(const std::string& code) {
  return code == "resume_expired" || code == "key_reused";
}

}  // namespace

// --- what is asked -------------------------------------------------------------------------

void gateway_books::asked(std::uint64_t number, const std::string& tenant, steady_time deadline,
                          steady_time now) {
  auto& it = asks_[number];
  open_.erase({it.deadline, number});
  ++it.asked;
  it.tenant = tenant;
  if (!it.open) it.deadline = deadline;
  open_.insert({it.deadline, number});
  asking_ = number;
  asking_at_ = now;
}

/// The request that is handled may have become a row.
void gateway_books::note_accepted() {
  for (; last_accepted_ < rows_.counts().accepted; ++last_accepted_) {
    auto& it = asks_[asking_];
    // A late copy of what its client has acknowledged may run: nobody waits for it.
    if (it.has_outcome && !all_.has_outcome(asking_))
      all_.found(invariant::one_outcome, "it runs again though it was answered before", asking_);
    all_.accepted();
    it.attempts = 0;
    it.has_result = false;
    it.open = true;
    ++accounts_[it.tenant].open;
    if (all_.is_request(asking_)) allowances_[all_.plan(asking_).model].tokens += retry_share;
    check_tenant(it, asking_);
  }
}

void gateway_books::close(std::uint64_t number, const std::string& code) {
  if (leaves_row_open(code)) return;
  auto& it = asks_[number];
  open_.erase({it.deadline, number});
  if (it.open) --accounts_[it.tenant].open;
  it.open = false;
  it.has_outcome = it.has_outcome || code.empty();
  just_answered_.push_back(number);
}

/// Isolation: no tenant uses more of the gateway than its limits say.
void gateway_books::check_tenant(const ask& it, std::uint64_t number) {
  const auto& limits = all_.of().shard.tenants.of(it.tenant);
  auto& used = accounts_[it.tenant];
  const auto burst = static_cast<double>(limits.requests_burst);
  if (!used.known) used = {used.open, burst, asking_at_, true};
  const auto passed = std::chrono::duration<double>(asking_at_ - used.filled).count();
  used.tokens = std::min(burst, used.tokens + passed * static_cast<double>(limits.requests_per_s));
  used.filled = asking_at_;
  used.tokens -= 1;
  if (used.tokens < -1)
    all_.found(invariant::isolation, it.tenant + " gets in more than its quota", number);
  if (used.open > limits.open_requests)
    all_.found(invariant::isolation, fmt::format("{} has {} requests open", it.tenant, used.open),
               number);
}

// --- attempts ------------------------------------------------------------------------------

void gateway_books::frame(const proto::link_reply& header) {
  const auto found = attempts_.find(header.attempt);
  current_ = header.attempt;
  current_was_live_ = found != attempts_.end() && found->second.live &&
                      found->second.incarnation == header.incarnation;
  if (!current_was_live_ || (header.op != "reply" && header.op != "refused")) return;
  auto& of = asks_[found->second.number];
  if (header.op == "refused") {
    all_.attempt_refused();
    --of.attempts;
  } else {
    of.has_result = !header.error;
  }
  found->second.live = false;
}

void gateway_books::sent(std::uint64_t number, attempt_id attempt, incarnation_id to, bool gone,
                         bool alone, steady_time now) {
  note_accepted();
  const auto fresh = attempts_.emplace(attempt, sent_attempt{number, to, !gone, {}}).second;
  if (!fresh) all_.found(invariant::fencing, "an attempt id is used a second time", number);
  if (gone) return;
  if (!alone) check_suspected(number, now);
  live_.emplace(number, attempt);
  all_.attempt_sent(number);
  if (++asks_[number].attempts > most_attempts)
    all_.found(invariant::amplification,
               fmt::format("{} attempts of one request", asks_[number].attempts), number);
  if (down_.contains(to) || silent_.contains(to))
    all_.found(invariant::fencing, "an attempt goes to an engine that is known to be dead", number);
  if (const auto drains = drained_.find(to); drains != drained_.end() && now < drains->second)
    all_.found(invariant::draining, "an attempt goes to an engine after its drain was acknowledged",
               number);
}

void gateway_books::cancelled(attempt_id attempt) {
  const auto found = attempts_.find(attempt);
  if (found != attempts_.end()) found->second.live = false;
}

void gateway_books::told_down(const proto::engine_down& down, steady_time now) {
  const bool silent = down.cause == "silent";
  (silent ? silent_ : down_).insert(down.incarnation);
  if (silent) just_silent_ = down.incarnation;
  // Who has heard of the end before has placed everything again by now.
  if (!told_of_.insert(down.incarnation).second) return;
  if (!gateway::blames(gateway::death_cause_from(down.cause))) return;
  for (const auto id : down.suspects) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end() || found->second.incarnation != down.incarnation) continue;
    const auto& lost = found->second.lost;
    if (found->second.live || (lost && now - *lost < word_within))
      suspected_[content_of(found->second.number)] = now;
  }
}

std::uint64_t gateway_books::content_of(std::uint64_t number) const {
  const auto shared = all_.is_request(number) ? all_.plan(number).content : 0;
  return shared != 0 ? shared : number;
}

/// Poison: what a worker has named a suspect runs alone, until it is known to be harmless.
void gateway_books::check_suspected(std::uint64_t number, steady_time now) {
  const auto since = suspected_.find(content_of(number));
  if (since != suspected_.end() && now - since->second < suspected_for)
    all_.found(invariant::poison, "a suspect of an engine's end is sent beside others", number);
}

void gateway_books::link_closed(incarnation_id incarnation, steady_time now) {
  const bool confirmed = down_.contains(incarnation) || incarnation == just_silent_;
  for (auto& [id, each] : attempts_) {
    if (!each.live || each.incarnation != incarnation) continue;
    each.live = false;
    each.lost = now;
    if (confirmed)
      all_.attempt_lost(each.number);
    else if (!has_live_attempt(each.number))
      unexplained_.push_back(each.number);
  }
}

bool gateway_books::has_live_attempt(std::uint64_t number) const {
  const auto [first, last] = live_.equal_range(number);
  return std::any_of(first, last, [&](const auto& each) { return attempts_.at(each.second).live; });
}

/// A request that goes on behind a loss that nobody has explained takes a retry from its model's
/// budget. Until there is one it stands in line; if the loss is explained meanwhile and the request
/// is a suspect, it is held and takes none.
void gateway_books::check_budgets(steady_time now) {
  if (unexplained_.empty()) return;
  std::map<std::uint64_t, gateway::row_state> states;
  (void)rows_.select([&](const gateway::ledger_row& row) {
    // One that is tried alone was held before, within the same call.
    const auto state = row.alone ? gateway::row_state::held : row.state;
    states[number_in(row.request.header.traceparent)] = state;
    return false;
  });
  std::erase_if(unexplained_, [&](std::uint64_t number) {
    const auto found = states.find(number);
    const auto state = found == states.end() ? gateway::row_state::idle : found->second;
    if (state == gateway::row_state::owing) return false;
    if (state != gateway::row_state::held) take_retry(number, now);
    return true;
  });
}

void gateway_books::take_retry(std::uint64_t number, steady_time now) {
  if (!asks_[number].open || !all_.is_request(number)) return;
  auto& of = allowances_[all_.plan(number).model];
  if (!of.known) of = {retry_burst, now, true};
  const auto passed = std::chrono::duration<double>(now - of.filled).count();
  of.tokens = std::min(retry_burst, of.tokens + passed * retries_a_second);
  of.filled = now;
  of.tokens -= 1;
  if (of.tokens < -1)
    all_.found(invariant::amplification, "more retries than the model's budget allows", number);
}

// --- answers -------------------------------------------------------------------------------

/// A result is one that a live attempt has brought: now, or before if it is given again or was
/// waiting for its reader.
void gateway_books::check_fence(std::uint64_t number) {
  if (asks_[number].has_result) return;
  const auto found = attempts_.find(current_);
  if (!current_)
    all_.found(invariant::fencing, "an engine's answer without an engine's frame", number);
  else if (found == attempts_.end() || found->second.number != number)
    all_.found(invariant::right_answer, "the answer of another request's attempt", number);
  else
    all_.found(
        invariant::fencing,
        fmt::format("attempt {:x} was fenced, and its answer reaches the client", current_.value),
        number);
}

void gateway_books::streamed(std::uint64_t number) {
  const auto found = attempts_.find(current_);
  if (current_ && found != attempts_.end() && found->second.number == number && !current_was_live_)
    all_.found(invariant::fencing, "tokens of a fenced attempt reach the client", number);
}

void gateway_books::answered(std::uint64_t number, const std::string& code) {
  note_accepted();
  auto& it = asks_[number];
  if (++it.answered > it.asked)
    all_.found(invariant::one_outcome,
               fmt::format("asked {} times, answered {} times", it.asked, it.answered), number);
  if (current_ && !current_was_live_)
    all_.found(invariant::fencing, "a frame of a fenced attempt ends a request", number);
  if (code.empty()) check_fence(number);
  close(number, code);
}

void gateway_books::dropped(std::uint64_t number, const std::string& code) {
  note_accepted();
  close(number, code);
}

/// Each client has a little room whatever the others hold; one reply may be larger than its share.
void gateway_books::unread(std::size_t bytes, std::size_t clients) {
  using limit = gateway::outgoing_bytes;
  const auto most = all_.of().shard.limits.outgoing.total +
                    clients * (limit::always + limit::counted_from) + limit::always;
  if (bytes > most)
    all_.found(invariant::memory, fmt::format("{} bytes of replies wait for clients", bytes));
}

// --- every step ----------------------------------------------------------------------------

void gateway_books::handled(steady_time now) {
  note_accepted();
  const auto& counts = rows_.counts();
  auto ended = std::uint64_t{0};
  for (const auto n : counts.ended) ended += n;
  if (counts.accepted != ended + rows_.open_rows())
    all_.found(invariant::conservation, fmt::format("{} accepted, {} ended, {} open",
                                                    counts.accepted, ended, rows_.open_rows()));
  if (rows_.open_bytes() > all_.of().shard.limits.admitted_bytes ||
      (rows_.open_rows() == 0 && rows_.open_bytes() != 0))
    all_.found(invariant::memory, fmt::format("{} rows are open with {} bytes", rows_.open_rows(),
                                              rows_.open_bytes()));
  check_budgets(now);
  for (const auto number : just_answered_) check_cancelled(number);
  just_answered_.clear();
  asking_ = 0;
  current_ = {};
  just_silent_ = {};
}

/// A request has one row at a time.
void gateway_books::check_cancelled(std::uint64_t number) {
  if (asks_[number].open) return;
  const auto [first, last] = live_.equal_range(number);
  for (auto each = first; each != last; each = live_.erase(each))
    if (attempts_[each->second].live)
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
