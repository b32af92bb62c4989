#include "worker/node/engine_roster.hpp"

#include "proto/messages/engine_name.hpp"
#include "worker/node/engine_units.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

namespace {

/// Notes of all engines in one snapshot, so that it stays far below the limit of a message.
constexpr std::size_t notes_of_all = 48;

std::vector<std::string> groups_of(const std::vector<roster_entry>& entries) {
  std::vector<std::string> groups;
  for (const auto& each : entries) groups.push_back(each.group);
  return groups;
}

}  // namespace

engine_roster::engine_roster(const std::string& node, std::vector<roster_entry> entries,
                             supervision_options supervision, duration drain_limit,
                             revision_standing standing)
    : node_{node},
      engines_(2 * entries.size()),
      places_(entries.size()),
      supervision_{groups_of(entries), supervision},
      drain_{2 * entries.size(), drain_limit},
      convergence_{engine_units(groups_of(entries)), standing, supervision.restart.pause} {
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    const auto& of = entries[place(k)];
    auto& state = engines_[k].state;
    state.name = k < entries.size() ? of.name : proto::name_beside(of.name);
    state.device = of.device;
    state.group = of.group;
    state.verdict = "starting";
    state.revision = standing.settled;
  }
  for (std::size_t k = 0; k < places_.size(); ++k) places_[k].serving = k;
}

void engine_roster::started(std::size_t k, std::int64_t pid) { engines_.at(k).state.pid = pid; }

bool engine_roster::reported(std::size_t k, const proto::engine_report& report, steady_time now) {
  auto& engine = engines_.at(k);
  if (report.op == "load") engine.state.loads = report.loads;
  if (report.op != "ready") return false;
  engine.state.incarnation = report.incarnation;
  engine.state.endpoint = report.endpoint;
  engine.state.link_key = report.link_key;
  engine.state.engine_key = report.engine_key;
  engine.state.models = report.models;
  engine.state.loads.clear();
  engine.state.verdict = "up";
  engine.ready_since = now;
  if (serves(k))
    supervision_.ready(place(k), now);
  else if (!engine.leaving)
    for (const auto each : convergence_.ready(place(k))) take_over(each, now);
  return true;
}

/// The successor in that place serves from now on; its predecessor drains, if it is there.
void engine_roster::take_over(std::size_t place, steady_time now) {
  const auto before = std::exchange(places_[place].serving, beside(places_[place].serving));
  supervision_.replaced(place, now);
  auto& engine = engines_[before];
  engine.leaving = engine.running;
  if (engine.running)
    drain_.begin_leave(before, now);
  else
    convergence_.predecessor_ended(place);
}

std::string engine_roster::reason_of(std::size_t k, const engine_exit& how) const {
  if (engines_[k].stopping) return "was stopped with its group";
  if (how.cause != exit_cause::stopped || serves(k)) return how.reason;
  const auto revision = std::to_string(convergence_.runs(place(k)));
  return engines_[k].leaving ? "was replaced by revision " + revision
                             : "was dropped in favour of revision " + revision;
}

engine_roster::ending engine_roster::ended(std::size_t k, const engine_exit& how, steady_time now,
                                           double draw) {
  ending out;
  const auto& state = engines_.at(k).state;
  if (state.incarnation)
    out.down = proto::engine_down{state.name, state.incarnation, how.reason, how.suspects,
                                  std::string{cause_name(how.cause)}};
  note_end(k, how, now);
  if (drain_.is_stopping()) return out;
  if (serves(k))
    ended_serving(k, now, draw, out);
  else
    ended_beside(k, how, now, draw);
  return out;
}

void engine_roster::note_end(std::size_t k, const engine_exit& how, steady_time now) {
  auto& engine = engines_[k];
  auto& state = engine.state;
  state.incarnation = {};
  state.pid = 0;
  state.models.clear();
  state.loads.clear();
  state.verdict = how.hung ? "hung" : "dead";
  state.last_reason = reason_of(k, how);
  places_[place(k)].history.add(now, how, state.last_reason);
  engine.ready_since.reset();
  engine.running = engine.stopping = false;
  drain_.alive(k, false);
}

void engine_roster::ended_serving(std::size_t k, steady_time now, double draw, ending& out) {
  const auto orders = supervision_.ended(place(k), now, draw);
  for (const auto each : orders.stop) {
    out.stop.push_back(places_[each].serving);
    engines_[out.stop.back()].stopping = true;
  }
  out.quarantined = orders.quarantined;
  if (!out.quarantined) return;
  auto& state = engines_[k].state;
  state.last_reason += "; given up after too many restarts";
  convergence_.given_up(place(k), state.name + " " + state.last_reason);
}

/// The end of an engine that does not serve any more, or not yet.
void engine_roster::ended_beside(std::size_t k, const engine_exit& how, steady_time now,
                                 double draw) {
  if (std::exchange(engines_[k].leaving, false))
    convergence_.predecessor_ended(place(k));
  else
    convergence_.successor_ended(place(k), name(k) + " " + how.reason, now, draw);
}

/// An engine is about to be started.
void engine_roster::begin(std::size_t k, std::uint64_t revision) {
  auto& engine = engines_[k];
  engine.state.revision = revision;
  engine.state.verdict = "starting";
  engine.running = true;
  engine.dismissed = false;
  drain_.alive(k, true);
}

std::vector<std::size_t> engine_roster::due(steady_time now) {
  if (drain_.is_stopping()) return {};
  std::vector<std::size_t> start;
  for (const auto place : supervision_.due(now)) {
    const auto k = start.emplace_back(places_[place].serving);
    if (std::exchange(engines_[k].started_before, true)) ++engines_[k].state.restarts;
    begin(k, convergence_.runs(place));
  }
  for (const auto place : convergence_.due(now, is_settled())) {
    const auto k = start.emplace_back(beside(places_[place].serving));
    engines_[k].started_before = true;
    engines_[k].state.restarts = 0;
    engines_[k].state.last_reason.clear();
    begin(k, convergence_.step());
  }
  return start;
}

bool engine_roster::is_trial(std::size_t k) const {
  return serves(k) && supervision_.is_in_trial(place(k));
}

std::vector<std::size_t> engine_roster::to_stop(steady_time now) {
  std::vector<std::size_t> stop;
  for (const auto place : convergence_.abandoned()) stop.push_back(beside(places_[place].serving));
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    auto& engine = engines_[k];
    if (!engine.leaving || engine.dismissed) continue;
    if (engine.state.verdict == "up" && !drain_.may_leave(k, now)) continue;
    engine.dismissed = true;
    stop.push_back(k);
  }
  return stop;
}

std::optional<steady_time> engine_roster::next_due() const {
  return drain_.is_stopping() ? std::nullopt : supervision_.next_due();
}

bool engine_roster::gives_up(steady_time now) const {
  return !drain_.is_stopping() && !convergence_.is_under_way() && supervision_.gives_up(now);
}

std::set<std::uint64_t> engine_roster::revisions() const {
  std::set<std::uint64_t> all;
  for (std::size_t place = 0; place < places_.size(); ++place) all.insert(convergence_.runs(place));
  return all;
}

bool engine_roster::order(const proto::drain_order& order) {
  const auto target = proto::place_of(order.target);
  bool known = target == node_;
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    if (target != node_ && target != proto::place_of(engines_[k].state.name)) continue;
    drain_.set(k, order.drain);
    known = true;
  }
  return known;
}

bool engine_roster::may_stop(steady_time now) {
  return !stopped_ && drain_.done(now) && (stopped_ = true);
}

bool engine_roster::has_stopped() const {
  return stopped_ && std::ranges::none_of(engines_, &entry::running);
}

bool engine_roster::is_settled() const {
  for (std::size_t place = 0; place < places_.size(); ++place)
    if (engines_[places_[place].serving].state.verdict != "up" &&
        !supervision_.is_quarantined(place))
      return false;
  return true;
}

node_look engine_roster::look() const {
  node_look found{is_settled(), drain_.is_stopping(), places_.size()};
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    const auto& each = engines_[k];
    found.up += serves(k) && each.state.verdict == "up" ? 1 : 0;
    for (const auto& load : each.state.loads) found.rows += load.running_rows + load.queued_rows;
  }
  return found;
}

std::string engine_roster::verdict(std::size_t k) const {
  const auto& engine = engines_[k];
  const bool up = engine.state.verdict == "up";
  if (serves(k) && supervision_.is_quarantined(place(k))) return "quarantined";
  if (up && !serves(k) && !engine.leaving) return "starting";  // until its whole unit is ready
  const bool leaves = drain_.is_draining(k) || engine.stopping;
  return up && leaves ? "draining" : engine.state.verdict;
}

proto::engine_state engine_roster::shown(std::size_t k, steady_time now) const {
  const auto& engine = engines_[k];
  auto state = engine.state;
  state.verdict = verdict(k);
  state.up_for_ms = engine.ready_since ? to_us(now - *engine.ready_since) / 1000 : 0;
  state.strategy = actors::strategy_name(supervision_.strategy_of(place(k)));
  const auto notes = std::clamp<std::size_t>(
      notes_of_all / std::max<std::size_t>(places_.size(), 1), 1, restart_history::kept);
  if (serves(k)) state.history = places_[place(k)].history.notes(now, notes);
  return state;
}

std::vector<proto::engine_state> engine_roster::states(steady_time now) const {
  std::vector<proto::engine_state> all;
  for (std::size_t k = 0; k < engines_.size(); ++k)
    if (serves(k) || engines_[k].running) all.push_back(shown(k, now));
  return all;
}

}  // namespace coppice::worker
