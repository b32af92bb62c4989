#include "gateway/retry/circuit_breaker.hpp"

#include <algorithm>

namespace coppice::gateway {

bool circuit_breakers::may_send(incarnation_id to, steady_time now) const noexcept {
  if (entries_.empty()) return true;
  const auto found = entries_.find(to);
  if (found == entries_.end() || found->second.streak == 0) return true;
  return !found->second.probing && now >= found->second.until;
}

void circuit_breakers::sent(incarnation_id to) noexcept {
  if (entries_.empty()) return;
  const auto found = entries_.find(to);
  if (found == entries_.end() || found->second.streak == 0 || found->second.probing) return;
  found->second.probing = true;
  ++probes_;
}

void circuit_breakers::released(incarnation_id from) noexcept {
  if (entries_.empty()) return;
  const auto found = entries_.find(from);
  if (found == entries_.end() || !found->second.probing) return;
  found->second.probing = false;
  --probes_;
}

void circuit_breakers::succeeded(incarnation_id from) noexcept {
  if (entries_.empty()) return;
  released(from);
  entries_.erase(from);
}

bool circuit_breakers::failed(incarnation_id from, steady_time now, double draw) {
  if (entries_.size() >= options_.incarnations && !entries_.contains(from)) return false;
  auto& line = entries_[from];
  ++line.failures;
  const bool probed = line.probing;
  released(from);
  const bool trips = line.streak == 0 ? line.failures >= options_.failures : probed;
  if (!trips) return false;
  line.until = now + options_.open_for.delay(++line.streak, draw);
  return true;
}

std::size_t circuit_breakers::open() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const auto& each) { return each.second.streak > 0; }));
}

}  // namespace coppice::gateway
