#include "worker/node/node_supervision.hpp"

#include "worker/node/engine_units.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

void earliest(std::optional<steady_time>& of, std::optional<steady_time> other) {
  if (other && (!of || *other < *of)) of = other;
}

}  // namespace

node_supervision::node_supervision(const std::vector<std::string>& groups,
                                   supervision_options options)
    : options_{options}, places_(groups.size()) {
  for (auto& engines : engine_units(groups)) {
    for (std::size_t i = 0; i < engines.size(); ++i) places_[engines[i]] = {units_.size(), i};
    const auto how = groups[engines.front()].empty() ? actors::strategy::one_for_one
                                                     : actors::strategy::all_for_one;
    const auto size = engines.size();
    units_.push_back({std::move(engines), {how, size, options_.restart}, std::nullopt});
  }
}

node_supervision::orders node_supervision::ended(std::size_t engine, steady_time now, double draw) {
  const auto [at, member] = places_.at(engine);
  auto& unit = units_[at];
  const auto reaction = unit.restarts.ended(member, now, draw);
  orders out;
  for (const auto each : reaction.stop) out.stop.push_back(unit.engines[each]);
  if (!reaction.exceeded) return out;
  out.quarantined = true;
  unit.probe_at = now + options_.probe_every;
  if (std::ranges::all_of(units_, [](const auto& each) { return each.restarts.has_given_up(); }))
    all_lost_ = now;
  return out;
}

void node_supervision::replaced(std::size_t engine, steady_time now) {
  auto& unit = units_[places_.at(engine).unit];
  unit.restarts.replaced(now);
  unit.probe_at.reset();
  all_lost_.reset();
}

void node_supervision::ready(std::size_t engine, steady_time now) {
  const auto [at, member] = places_.at(engine);
  units_[at].restarts.ready(member, now);
}

std::vector<std::size_t> node_supervision::due(steady_time now) {
  std::vector<std::size_t> start;
  for (auto& unit : units_) {
    if (unit.probe_at && now >= *unit.probe_at) {
      unit.restarts.try_again(now);
      unit.probe_at.reset();
      all_lost_.reset();
    }
    for (const auto each : unit.restarts.due(now)) start.push_back(unit.engines[each]);
  }
  return start;
}

std::optional<steady_time> node_supervision::next_due() const {
  std::optional<steady_time> next;
  for (const auto& unit : units_) {
    earliest(next, unit.restarts.next_due());
    earliest(next, unit.probe_at);
  }
  if (all_lost_) earliest(next, *all_lost_ + options_.farewell);
  return next;
}

bool node_supervision::gives_up(steady_time now) const {
  return all_lost_ && now - *all_lost_ >= options_.farewell;
}

bool node_supervision::is_quarantined(std::size_t engine) const {
  return units_[places_.at(engine).unit].restarts.has_given_up();
}

bool node_supervision::is_in_trial(std::size_t engine) const {
  return units_[places_.at(engine).unit].restarts.is_in_trial();
}

actors::strategy node_supervision::strategy_of(std::size_t engine) const {
  return units_[places_.at(engine).unit].restarts.how();
}

}  // namespace coppice::worker
