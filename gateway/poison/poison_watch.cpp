#include "gateway/poison/poison_watch.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

/// No judgement holds longer, whatever it says.
constexpr duration longest_judgement = std::chrono::hours{1};

duration holds_for(const proto::judgement& judged) {
  const auto cap = static_cast<std::uint64_t>(to_us(longest_judgement));
  return std::chrono::microseconds{std::min(judged.ttl_us, cap)};
}

}  // namespace

error poisonous() { return {errc::poison, "Requests with this content end their engines.", 0}; }

poison_watch::poison_watch(std::string gateway, const poison_limits& limits)
    : gateway_{std::move(gateway)}, limits_{limits} {}

poison_watch::content* poison_watch::watch(const proto::fingerprint& of) {
  if (const auto found = contents_.find(of); found != contents_.end()) return &found->second;
  return contents_.size() < limits_.contents ? &contents_[of] : nullptr;
}

void poison_watch::enter(content& which, stage next, steady_time until) {
  which.at = next;
  which.until = until;
  next_due_ = std::min(next_due_, until);
}

poison_verdict poison_watch::ask(const proto::fingerprint& of, row_id row, steady_time now) {
  const auto found = contents_.find(of);
  if (found == contents_.end()) return poison_verdict::go;
  auto& which = found->second;
  if (which.at == stage::convicted)
    return now < which.until ? poison_verdict::refuse : poison_verdict::go;
  if (which.at == stage::trial_here) {
    if (!which.on_trial) which.on_trial = row;
    if (which.on_trial == row) return poison_verdict::alone;
  }
  which.held.insert(row);
  return poison_verdict::hold;
}

void poison_watch::suspect_again(const proto::fingerprint& of, content& which, steady_time now) {
  enter(which, stage::suspected, now + limits_.judged_within);
  orders_.suspects.push_back(of);
}

void poison_watch::suspect(const proto::fingerprint& of, row_id row, steady_time now) {
  const bool known = contents_.contains(of);
  auto* which = watch(of);
  if (which == nullptr) {
    if (row) orders_.go.push_back(row);
    return;
  }
  if (!known) suspect_again(of, *which, now);
  if (!row) return;
  if (which->at == stage::convicted) return orders_.refuse.push_back(row);
  which->held.insert(row);
  if (which->at == stage::trial_here) try_next(*which);
}

void poison_watch::try_next(content& which) {
  if (which.on_trial || which.held.empty()) return;
  which.on_trial = *which.held.begin();
  which.held.erase(which.held.begin());
  orders_.alone.push_back(which.on_trial);
}

void poison_watch::try_here(content& which, steady_time until) {
  enter(which, stage::trial_here, until);
  try_next(which);
}

void poison_watch::convict(content& which, steady_time until) {
  enter(which, stage::convicted, until);
  orders_.refuse.insert(orders_.refuse.end(), which.held.begin(), which.held.end());
  which.held.clear();
  which.on_trial = {};
}

void poison_watch::release(entry which) {
  const auto& held = which->second.held;
  orders_.go.insert(orders_.go.end(), held.begin(), held.end());
  contents_.erase(which);
}

/// Whether or not that trial still goes on: the word may come late.
void poison_watch::killed_alone(const proto::fingerprint& of, steady_time now) {
  auto* which = watch(of);
  if (which == nullptr || which->at == stage::convicted) return;
  orders_.results.push_back({gateway_, of, true});
  convict(*which, now + limits_.convicted_for);
}

void poison_watch::trial_ended(const proto::fingerprint& of, row_id row, bool killed,
                               steady_time now) {
  if (killed) return killed_alone(of, now);
  const auto found = contents_.find(of);
  if (found == contents_.end() || found->second.on_trial != row) return;
  orders_.results.push_back({gateway_, of, killed});
  release(found);
}

void poison_watch::closed(const proto::fingerprint& of, row_id row) {
  const auto found = contents_.find(of);
  if (found == contents_.end()) return;
  auto& which = found->second;
  which.held.erase(row);
  if (which.on_trial != row) return;
  which.on_trial = {};
  try_next(which);
}

void poison_watch::judge(const proto::judgement& judged, steady_time now) {
  if (judged.verdict == "cleared") {
    const auto found = contents_.find(judged.of);
    if (found != contents_.end()) release(found);
    return;
  }
  const bool trial = judged.verdict == "trial";
  if (!trial && judged.verdict != "convicted") return;  // a word of a later version
  auto* which = watch(judged.of);
  if (which == nullptr) return;
  const auto until = now + holds_for(judged);
  if (!trial) return convict(*which, until);
  if (which->at == stage::convicted || which->on_trial) return;
  if (judged.gateway == gateway_) return try_here(*which, until);
  enter(*which, stage::trial_elsewhere, until);
}

bool poison_watch::stage_over(const proto::fingerprint& of, content& which, steady_time now) {
  switch (which.at) {
    case stage::suspected:
      try_here(which, now + limits_.trial_within);
      return false;
    case stage::trial_here:
      // The row that is tried has a deadline of its own, and is `closed` at the latest then.
      if (which.on_trial) which.until = now + limits_.trial_within;
      return !which.on_trial;
    case stage::trial_elsewhere:
      if (which.held.empty()) return true;
      suspect_again(of, which, now);
      return false;
    case stage::convicted:
      break;
  }
  return true;
}

void poison_watch::tick(steady_time now) {
  if (now < next_due_) return;
  next_due_ = steady_time::max();
  for (auto each = contents_.begin(); each != contents_.end();) {
    auto& which = each->second;
    if (which.until <= now && stage_over(each->first, which, now)) {
      each = contents_.erase(each);
      continue;
    }
    next_due_ = std::min(next_due_, which.until);
    ++each;
  }
}

poison_orders poison_watch::take_orders() noexcept { return std::exchange(orders_, {}); }

std::size_t poison_watch::convicted() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      contents_, [](const auto& each) { return each.second.at == stage::convicted; }));
}

std::size_t poison_watch::held_rows() const noexcept {
  std::size_t rows = 0;
  for (const auto& [of, which] : contents_) rows += which.held.size();
  return rows;
}

}  // namespace coppice::gateway
