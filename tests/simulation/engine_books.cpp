#include "tests/simulation/engine_books.hpp"

#include <fmt/format.h>

namespace coppice::simulation {

namespace {

/// As in worker/engine/engine_desk.hpp.
constexpr duration gateway_silence = 3s;
constexpr duration late_tick = 1s;

}  // namespace

// --- taking --------------------------------------------------------------------------------

void engine_books::offered(const std::string& gateway, attempt_id id, std::uint64_t number,
                           std::uint32_t model, std::uint32_t rows, steady_time deadline) {
  const key which{id, gateway};
  const bool fresh = open_.emplace(which, taken{number, model, rows, deadline}).second;
  if (!fresh) return all_.found(invariant::fencing, "an engine is sent one attempt twice", number);
  rows_[model] += rows;
  offered_ = which;
}

void engine_books::handled() {
  if (!offered_) return;
  const auto found = open_.find(*offered_);
  offered_.reset();
  if (found == open_.end()) return;
  const auto& it = found->second;
  const auto capacity = all_.of().models[it.model].spec.card().capacity_rows;
  if (rows_[it.model] > capacity)
    all_.found(invariant::capacity,
               fmt::format("an engine holds {} rows and may hold {}", rows_[it.model], capacity),
               it.number);
}

void engine_books::told_to_cancel(const std::string& gateway, attempt_id id) {
  const auto found = open_.find({id, gateway});
  if (found != open_.end()) found->second.dropped = true;
}

void engine_books::met_gateway(const std::string& gateway, steady_time now) {
  lost_gateway(gateway);
  gateways_[gateway] = now;
}

void engine_books::heard(const std::string& gateway, steady_time now) {
  const auto known = gateways_.find(gateway);
  if (known != gateways_.end()) known->second = now;
}

void engine_books::lost_gateway(const std::string& gateway) {
  gateways_.erase(gateway);
  for (auto each = open_.begin(), next = each; each != open_.end(); each = next) {
    next = std::next(each);
    if (each->first.second != gateway) continue;
    each->second.dropped = true;
    // A batch that runs ends all the same; a stream has no further step.
    const bool streams = all_.of().models[each->second.model].spec.streams();
    if (!each->second.started || streams) erase(each);
  }
}

// --- running -------------------------------------------------------------------------------

bool engine_books::may_run(const taken& it, steady_time now) {
  return !it.dropped && it.deadline > now;
}

void engine_books::begin(taken& it, steady_time now) {
  if (it.dropped)
    all_.found(invariant::cancelling, "an engine starts an attempt that nobody waits for",
               it.number);
  if (it.deadline <= now)
    all_.found(invariant::deadline, "an engine starts it behind its deadline", it.number);
  if (!it.started) all_.attempt_starts(it.number);
  it.started = true;
}

void engine_books::starts(const std::string& gateway, attempt_id id, steady_time now) {
  const auto found = open_.find({id, gateway});
  if (found == open_.end())
    return all_.found(invariant::cancelling,
                      "an engine starts what it has not taken, has answered, or nobody waits for");
  if (found->second.started)
    all_.found(invariant::one_outcome, "an engine starts one attempt twice", found->second.number);
  begin(found->second, now);
}

void engine_books::steps(attempt_id id, steady_time now) {
  taken* meant = nullptr;
  for (auto each = open_.lower_bound({id, ""}); each != open_.end() && each->first.first == id;
       ++each)
    if (all_.of().models[each->second.model].spec.streams() &&
        (meant == nullptr || may_run(each->second, now)))
      meant = &each->second;
  if (meant == nullptr)
    return all_.found(invariant::cancelling, "an engine goes on with a stream that is over");
  begin(*meant, now);
}

void engine_books::erase(open_attempts::iterator at) {
  rows_[at->second.model] -= at->second.rows;
  open_.erase(at);
}

void engine_books::ends(const std::string& gateway, attempt_id id) {
  const auto found = open_.find({id, gateway});
  if (found != open_.end()) erase(found);
}

// --- time ----------------------------------------------------------------------------------

void engine_books::ticked(steady_time now) {
  if (now - last_tick_ > late_tick)
    for (auto& [gateway, heard] : gateways_) heard = now;
  last_tick_ = now;
  for (auto each = gateways_.begin(), next = each; each != gateways_.end(); each = next) {
    next = std::next(each);
    if (now - each->second >= gateway_silence) lost_gateway(std::string{each->first});
  }
}

void engine_books::open_are(std::size_t counted) {
  if (counted != open_.size())
    all_.found(invariant::capacity,
               fmt::format("an engine counts {} attempts; there are {}", counted, open_.size()));
}

void engine_books::turned(std::uint32_t model, std::uint32_t queued, std::uint32_t running,
                          bool exact) {
  const auto capacity = all_.of().models[model].spec.card().capacity_rows;
  if (queued + running > capacity)
    all_.found(invariant::capacity,
               fmt::format("an engine counts {} rows and may hold {}", queued + running, capacity));
  if (exact && queued + running != rows_[model])
    all_.found(invariant::capacity, fmt::format("an engine's queue counts {} rows; there are {}",
                                                queued + running, rows_[model]));
}

std::uint64_t engine_books::number_of(const std::string& gateway, attempt_id id) const {
  const auto found = open_.find({id, gateway});
  return found == open_.end() ? 0 : found->second.number;
}

}  // namespace coppice::simulation
