#include "client/gateway_watch.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace coppice::client {

namespace {

/// A gap between two looks that is longer than this is the client's own.
constexpr duration own_delay = 100ms;

/// FNV-1a, then the finaliser of splitmix64: every bit counts.
std::uint64_t score(std::string_view session, std::string_view endpoint) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const auto part : {session, std::string_view{"\0", 1}, endpoint})
    for (const char each : part)
      hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3ull;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  return hash ^ (hash >> 31);
}

}  // namespace

std::vector<std::size_t> gateway_order(const std::string& session,
                                       const std::vector<std::string>& endpoints) {
  std::vector<std::size_t> order(endpoints.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return score(session, endpoints[a]) > score(session, endpoints[b]);
  });
  return order;
}

gateway_watch::gateway_watch(std::vector<std::size_t> order, std::function<double()> draw,
                             const watch_limits& limits)
    : order_{std::move(order)}, draw_{std::move(draw)}, limits_{limits} {}

gateway_watch::act gateway_watch::next(steady_time now, bool work_is_open) {
  // Nobody pinged while no work was open, or while this client did not run.
  if (!was_busy_ || now - looked_ > own_delay) heard_ = now;
  looked_ = now;
  if (work_is_open && !was_busy_ && state_ == state::apart)
    dial_at_ = std::min(dial_at_, now + limits_.least_pause);
  was_busy_ = work_is_open;
  if (state_ == state::dialling && now - dial_at_ >= limits_.dial_limit) lost(now, work_is_open);
  if (state_ == state::connected && work_is_open && now - heard_ >= limits_.silence)
    lost(now, work_is_open);
  if (state_ == state::apart && now >= dial_at_) {
    state_ = state::dialling;
    dial_at_ = now;
    return act::dial;
  }
  if (state_ != state::connected || !work_is_open || now < ping_at_) return act::nothing;
  ping_at_ = now + limits_.ping_after;
  return act::ping;
}

void gateway_watch::connected(steady_time now) noexcept {
  state_ = state::connected;
  heard_ = now;
  ping_at_ = now;  // who is it
}

void gateway_watch::heard(steady_time now) noexcept {
  heard_ = now;
  ping_at_ = now + limits_.ping_after;
  failures_ = 0;
}

void gateway_watch::lost(steady_time now, bool work_is_open) {
  if (state_ == state::apart) return;
  state_ = state::apart;
  ++failures_;
  at_ = (at_ + 1) % order_.size();
  const bool untried = failures_ % order_.size() != 0;
  dial_at_ = work_is_open && untried ? now : now + pause();
}

duration gateway_watch::pause() {
  const auto rounds = std::min<std::size_t>(failures_ / order_.size(), 10);
  const auto upper = std::min(limits_.longest_pause, limits_.least_pause * (1u << rounds));
  const auto spread = static_cast<double>((upper - limits_.least_pause).count());
  return limits_.least_pause + duration{static_cast<duration::rep>(spread * draw_())};
}

}  // namespace coppice::client
