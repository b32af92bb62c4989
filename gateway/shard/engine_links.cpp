#include "gateway/shard/engine_links.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

/// Longer between two ticks, and the process did not run.
constexpr duration longest_step = 50ms;

/// A silence while nothing was owed is no silence.
steady_time quiet_since(const engine_link& link) {
  return link.owes ? std::max(link.heard, link.owes_since) : link.heard;
}

}  // namespace

const engine_link& engine_links::add(engine_link link) {
  link.heard = link.pinged = link.busy_until = link.owes_since = awake_;
  link.was_heard = link.has_open = link.doubted = false;
  link.owes = true;
  link.reset = steady_time::max();
  return links_[link.incarnation] = std::move(link);
}

const engine_link* engine_links::open(const proto::grant& grant) {
  if (auto* known = find(grant.incarnation)) {
    known->doubted = false;
    return nullptr;
  }
  engine_link link{grant.incarnation, grant.engine, grant.endpoint, grant.link_key, {}, {}, {}};
  link.engine_key = grant.engine_key;
  return &add(std::move(link));
}

const engine_link& engine_links::reopen(const engine_link& lost) { return add(lost); }

engine_link* engine_links::find(incarnation_id incarnation) noexcept {
  const auto found = links_.find(incarnation);
  return found == links_.end() ? nullptr : &found->second;
}

engine_link* engine_links::find_endpoint(const std::string& endpoint) noexcept {
  for (auto& [incarnation, link] : links_)
    if (link.endpoint == endpoint) return &link;
  return nullptr;
}

std::vector<incarnation_id> engine_links::beside(std::string_view engine) const {
  const auto node_of = [](std::string_view name) { return name.substr(0, name.find('/')); };
  std::vector<incarnation_id> found;
  for (const auto& [incarnation, link] : links_)
    if (node_of(link.engine) == node_of(engine)) found.push_back(incarnation);
  return found;
}

void engine_links::carries(engine_link& link, std::size_t bytes) const noexcept {
  const std::chrono::duration<double> takes{static_cast<double>(bytes) / limits_.slowest_rate};
  link.busy_until = std::max(link.busy_until, awake_) + std::chrono::duration_cast<duration>(takes);
}

void engine_links::tick(steady_time now) noexcept {
  if (now > last_tick_) awake_ += std::min(now - last_tick_, longest_step);
  if (stood_still_since(now, now)) came_back_ = now;
  last_tick_ = now;
}

bool engine_links::stood_still_since(steady_time then, steady_time now) const noexcept {
  return then < came_back_ || (now > last_tick_ && now - last_tick_ > longest_step);
}

void engine_links::settle(engine_link& link) const noexcept {
  const bool owes = link.has_open || link.doubted || !link.was_heard;
  if (owes && !link.owes) link.owes_since = awake_;
  link.owes = owes;
}

std::vector<const engine_link*> engine_links::due_for_ping() {
  std::vector<const engine_link*> due;
  for (auto& [incarnation, link] : links_) {
    const auto every = link.owes ? limits_.ping_owing : limits_.ping_idle;
    if (awake_ - std::max(quiet_since(link), link.pinged) < every) continue;
    link.pinged = awake_;
    due.push_back(&link);
  }
  return due;
}

std::vector<engine_link> engine_links::dropped(steady_time now) const {
  std::vector<engine_link> gone;
  for (const auto& [incarnation, link] : links_)
    if (link.reset != steady_time::max() && now - link.reset >= limits_.reset_grace)
      gone.push_back(link);
  return gone;
}

std::vector<engine_link> engine_links::silent() const {
  std::vector<engine_link> gone;
  for (const auto& [incarnation, link] : links_) {
    const auto bar = link.owes ? limits_.silence_owing : limits_.silence_idle;
    if (awake_ - std::max(quiet_since(link), link.busy_until) >= bar) gone.push_back(link);
  }
  return gone;
}

}  // namespace coppice::gateway
