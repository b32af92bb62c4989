#include "tests/simulation/worker_host.hpp"

namespace coppice::simulation {

namespace {

/// As in worker/node: node_actor.cpp and engine_watch.cpp.
constexpr duration snapshot_period = 100ms;
constexpr duration look_period = 50ms;
constexpr duration stop_limit = 1500ms;

std::vector<worker::roster_entry> entries_of(const world& all, std::uint32_t node) {
  const auto& plan = all.of().nodes[node];
  std::vector<worker::roster_entry> entries;
  for (std::uint32_t k = 0; k < plan.engines.size(); ++k)
    entries.push_back({all.name_of(all.engine(node, k)), "cpu", plan.grouped ? "all" : ""});
  return entries;
}

}  // namespace

worker_host::worker_host(world& all, host_id self, std::uint32_t node)
    : world_{all},
      self_{self},
      node_{node},
      roster_{all.name_of(self), entries_of(all, node), all.of().supervision, all.of().drain},
      engines_(all.of().nodes[node].engines.size()) {
  limits_.step = all.of().hang_after;
  for (std::uint32_t s = 0; s < all.of().schedulers.size(); ++s)
    schedulers_.emplace_back(all, self, scheduler_endpoint(s));
  snapshot_.node = all.name_of(self);
  snapshot_.incarnation = {all.random().id()};
}

process_id worker_host::process_of(std::uint32_t k) const {
  return world_.process_of(world_.engine(node_, k));
}

steady_time worker_host::turn(std::vector<arrival>& arrived, steady_time now) {
  if (next_tick_ == steady_time{}) next_tick_ = next_look_ = now;
  if (world_.wants_stop(self_)) roster_.begin_stop(now);
  for (auto& each : arrived) take(each, now);
  supervise(now);
  if (now >= next_look_) look_at_all(now);
  if (now >= next_tick_) tick(now);
  auto next = std::min({next_tick_, next_look_, roster_.next_due().value_or(steady_time::max())});
  for (auto& each : schedulers_) next = std::min(next, each.turn(now));
  return next;
}

void worker_host::take(arrival& it, steady_time now) {
  for (auto& link : schedulers_)
    if (link.connection() == it.on) {
      take_mesh(it);
      if (link.take(it, now) == scheduler_link::change::up) send_snapshot(now);
      return;
    }
  for (std::uint32_t k = 0; k < engines_.size(); ++k)
    if (engines_[k].pipe == it.on) take_pipe(k, it, now);
}

// --- the node actor ------------------------------------------------------------------------

void worker_host::take_mesh(const arrival& it) {
  const auto* order = std::get_if<proto::drain_order>(&it.what.control);
  if (order == nullptr || !roster_.order(*order)) return;
  world_.tell(self_, 0, "is to {} {}", order->drain ? "drain" : "take back", order->target);
  next_tick_ = steady_time::min();  // a snapshot at once
}

void worker_host::supervise(steady_time now) {
  if (roster_.gives_up(now)) {
    world_.tell(self_, 0, "gives up");
    return world_.exit(self_, {exited(1), "every engine is in quarantine", {}});
  }
  const auto due = roster_.due(now);
  for (const auto k : due) start_engine(static_cast<std::uint32_t>(k));
  if (!due.empty()) send_snapshot(now);
}

void worker_host::tick(steady_time now) {
  next_tick_ = now + snapshot_period;
  send_snapshot(now);
  if (roster_.may_stop(now))
    for (std::uint32_t k = 0; k < engines_.size(); ++k) stop_engine(k, now);
  if (roster_.has_stopped()) world_.exit(self_, {exited(0), "stopped", {}});
}

void worker_host::take_report(std::uint32_t k, const proto::engine_report& report,
                              steady_time now) {
  if (report.op == "ready") engines_[k].serving = true;
  if (!roster_.reported(k, report, now)) return;
  world_.audit().quarantined(node_, k, false);
  world_.tell(self_, 0, "{} {:x} is up", roster_.name(k), report.incarnation.value);
  send_snapshot(now);
}

void worker_host::take_end(std::uint32_t k, steady_time now) {
  auto how = describe_end(engines_[k]);
  engines_[k].pipe = no_connection;
  world_.tell(self_, 0, "{} ended ({}): {}", roster_.name(k), worker::cause_name(how.cause),
              how.reason);
  const auto ending = roster_.ended(k, how, now, world_.random().unit());
  if (ending.down)
    for (const auto& link : schedulers_)
      if (link.is_up()) send_control(world_, link.connection(), self_, *ending.down);
  for (const auto each : ending.stop) stop_engine(static_cast<std::uint32_t>(each), now);
  if (ending.quarantined) {
    for (std::uint32_t each = 0; each < engines_.size(); ++each)
      if (each == k || world_.of().nodes[node_].grouped)
        world_.audit().quarantined(node_, each, true);
    world_.tell(self_, 0, "gives {} up", roster_.name(k));
  }
  send_snapshot(now);
}

void worker_host::send_snapshot(steady_time now) {
  ++snapshot_.seq;
  snapshot_.engines = roster_.states(now);
  for (const auto& link : schedulers_)
    if (link.is_up()) send_control(world_, link.connection(), self_, snapshot_);
}

// --- engine watches ------------------------------------------------------------------------

void worker_host::start_engine(std::uint32_t k) {
  watched_engine it;
  it.progress = worker::progress_watch{limits_};
  it.page = std::make_shared<worker::progress_page>();
  it.pipe = world_.start_engine(self_, world_.engine(node_, k), it.page);
  engines_[k] = std::move(it);
  roster_.started(k, 1);
}

void worker_host::stop_engine(std::uint32_t k, steady_time now) {
  auto& it = engines_[k];
  if (it.pipe == no_connection) return;
  it.asked = true;
  it.kill_at = now + stop_limit;
  world_.ask_to_stop(process_of(k));
}

void worker_host::take_pipe(std::uint32_t k, arrival& it, steady_time now) {
  if (const auto* report = std::get_if<proto::engine_report>(&it.what.control))
    take_report(k, *report, now);
  else if (auto* how = std::get_if<process_exit>(&it.what.control))
    engines_[k].how = std::move(*how);
  else if (it.kind == arrival_kind::closed)
    take_end(k, now);
}

void worker_host::look_at_all(steady_time now) {
  next_look_ = now + look_period;
  for (std::uint32_t k = 0; k < engines_.size(); ++k)
    if (engines_[k].pipe != no_connection) look(k, now);
}

void worker_host::look(std::uint32_t k, steady_time now) {
  auto& it = engines_[k];
  const auto found = it.progress.look(*it.page, it.serving && !it.asked, now);
  if (it.progress.quiet() != it.quiet) roster_.quiet(k, it.quiet = it.progress.quiet(), now);
  if (found && !it.hang) {
    it.hang = found;
    it.frozen = world_.is_frozen(process_of(k));
    world_.kill(process_of(k), killed);
  } else if (now >= it.kill_at) {
    world_.kill(process_of(k), killed);
  }
}

worker::engine_exit worker_host::describe_end(const watched_engine& it) {
  const worker::exit_evidence evidence{it.how.wait_status, it.hang.has_value(), it.frozen, it.asked,
                                       false};
  worker::engine_exit out;
  out.cause = worker::judge_exit(evidence);
  out.reason = it.hang ? worker::describe(*it.hang) : worker::describe_exit(evidence);
  out.suspects = it.how.suspects;
  out.hung = it.hang.has_value();
  return out;
}

}  // namespace coppice::simulation
