#include "worker/node/engine_roster.hpp"

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
                             supervision_options supervision, duration drain_limit)
    : node_{node},
      engines_(entries.size()),
      supervision_{groups_of(entries), supervision},
      drain_{entries.size(), drain_limit} {
  for (std::size_t k = 0; k < entries.size(); ++k) {
    auto& state = engines_[k].state;
    state.name = std::move(entries[k].name);
    state.device = std::move(entries[k].device);
    state.group = std::move(entries[k].group);
    state.verdict = "starting";
  }
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
  supervision_.ready(k, now);
  return true;
}

engine_roster::ending engine_roster::ended(std::size_t k, const engine_exit& how, steady_time now,
                                           double draw) {
  auto& engine = engines_.at(k);
  auto& state = engine.state;
  ending out;
  if (state.incarnation)
    out.down = proto::engine_down{state.name, state.incarnation, how.reason, how.suspects,
                                  std::string{cause_name(how.cause)}};
  state.incarnation = {};
  state.pid = 0;
  state.models.clear();
  state.loads.clear();
  state.verdict = how.hung ? "hung" : "dead";
  state.last_reason = engine.stopping ? "was stopped with its group" : how.reason;
  engine.history.add(now, how, state.last_reason);
  engine.ready_since.reset();
  engine.running = engine.stopping = false;
  drain_.alive(k, false);
  if (drain_.is_stopping()) return out;
  auto orders = supervision_.ended(k, now, draw);
  for (const auto each : orders.stop) engines_[each].stopping = true;
  out.stop = std::move(orders.stop);
  out.quarantined = orders.quarantined;
  if (out.quarantined) state.last_reason += "; given up after too many restarts";
  return out;
}

std::vector<std::size_t> engine_roster::due(steady_time now) {
  if (drain_.is_stopping()) return {};
  auto start = supervision_.due(now);
  for (const auto k : start) {
    auto& engine = engines_[k];
    if (std::exchange(engine.started_before, true)) ++engine.state.restarts;
    engine.state.verdict = "starting";
    engine.running = true;
    drain_.alive(k, true);
  }
  return start;
}

std::optional<steady_time> engine_roster::next_due() const {
  return drain_.is_stopping() ? std::nullopt : supervision_.next_due();
}

bool engine_roster::gives_up(steady_time now) const {
  return !drain_.is_stopping() && supervision_.gives_up(now);
}

bool engine_roster::order(const proto::drain_order& order) {
  bool known = order.target == node_;
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    if (order.target != node_ && order.target != engines_[k].state.name) continue;
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
  for (std::size_t k = 0; k < engines_.size(); ++k)
    if (engines_[k].state.verdict != "up" && !supervision_.is_quarantined(k)) return false;
  return true;
}

node_look engine_roster::look() const {
  node_look found{is_settled(), drain_.is_stopping(), engines_.size()};
  for (const auto& each : engines_) {
    found.up += each.state.verdict == "up" ? 1 : 0;
    for (const auto& load : each.state.loads) found.rows += load.running_rows + load.queued_rows;
  }
  return found;
}

std::string engine_roster::verdict(std::size_t k) const {
  const auto& engine = engines_[k];
  if (supervision_.is_quarantined(k)) return "quarantined";
  const bool leaves = drain_.is_draining(k) || engine.stopping;
  return engine.state.verdict == "up" && leaves ? "draining" : engine.state.verdict;
}

std::vector<proto::engine_state> engine_roster::states(steady_time now) const {
  std::vector<proto::engine_state> all;
  const auto notes = std::clamp<std::size_t>(
      notes_of_all / std::max<std::size_t>(engines_.size(), 1), 1, restart_history::kept);
  for (std::size_t k = 0; k < engines_.size(); ++k) {
    const auto& engine = engines_[k];
    auto& state = all.emplace_back(engine.state);
    state.verdict = verdict(k);
    state.up_for_ms = engine.ready_since ? to_us(now - *engine.ready_since) / 1000 : 0;
    state.strategy = actors::strategy_name(supervision_.strategy_of(k));
    state.history = engine.history.notes(now, notes);
  }
  return all;
}

}  // namespace coppice::worker
