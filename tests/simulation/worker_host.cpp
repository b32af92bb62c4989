#include "tests/simulation/worker_host.hpp"

namespace coppice::simulation {

namespace {

/// As in worker/node: node_actor.cpp and engine_watch.cpp.
constexpr duration snapshot_period = 100ms;
constexpr duration progress_period = 100ms;

}  // namespace

worker_host::worker_host(world& all, host_id self, std::uint32_t node)
    : world_{all}, self_{self}, node_{node} {
  for (std::uint32_t s = 0; s < all.of().schedulers.size(); ++s)
    schedulers_.emplace_back(all, self, scheduler_endpoint(s));
  snapshot_.node = all.name_of(self);
  snapshot_.incarnation = {all.random().id()};
  for (std::uint32_t k = 0; k < all.of().nodes[node].engines.size(); ++k) {
    auto& made = workers_.emplace_back(all.of().restart);
    made.engine.name = all.name_of(all.engine(node, k));
    made.engine.verdict = "starting";
    made.start_at = steady_time::min();
  }
}

steady_time worker_host::turn(std::vector<arrival>& arrived, steady_time now) {
  if (next_snapshot_ == steady_time{}) next_snapshot_ = next_watch_ = now;
  for (auto& each : arrived) take(each, now);
  for (std::uint32_t k = 0; k < workers_.size(); ++k)
    if (workers_[k].start_at && now >= *workers_[k].start_at) start_engine(k);
  if (now >= next_watch_) {
    for (std::uint32_t k = 0; k < workers_.size(); ++k) watch(k, now);
    next_watch_ = now + progress_period;
  }
  if (now >= next_snapshot_) {
    send_snapshot();
    next_snapshot_ = now + snapshot_period;
  }
  auto next = std::min(next_snapshot_, next_watch_);
  for (const auto& each : workers_)
    if (each.start_at) next = std::min(next, *each.start_at);
  for (auto& each : schedulers_) next = std::min(next, each.turn(now));
  return next;
}

void worker_host::take(arrival& it, steady_time now) {
  for (auto& link : schedulers_)
    if (link.connection() == it.on) {
      if (link.take(it, now) == scheduler_link::change::up) send_snapshot();
      return;
    }
  for (std::uint32_t k = 0; k < workers_.size(); ++k) {
    if (workers_[k].pipe != it.on) continue;
    if (const auto* report = std::get_if<proto::engine_report>(&it.what.control))
      take_report(k, *report);
    else if (auto* how = std::get_if<process_exit>(&it.what.control))
      workers_[k].how = std::move(*how);
    else if (it.kind == arrival_kind::closed)
      take_end(k, now);
  }
}

void worker_host::take_report(std::uint32_t k, const proto::engine_report& report) {
  auto& engine = workers_[k].engine;
  if (report.op == "ready") {
    engine.incarnation = report.incarnation;
    engine.endpoint = report.endpoint;
    engine.link_key = report.link_key;
    engine.models = report.models;
    engine.loads.clear();
    engine.verdict = "up";
    world_.audit().quarantined(node_, k, false);
    world_.tell(self_, 0, "{} {:x} is up", engine.name, engine.incarnation.value);
    send_snapshot();
  } else if (report.op == "load") {
    engine.loads = report.loads;
  }
}

void worker_host::take_end(std::uint32_t k, steady_time now) {
  auto& it = workers_[k];
  auto& engine = it.engine;
  it.pipe = no_connection;
  proto::engine_down down{engine.name, engine.incarnation, it.how.reason, {}, it.how.cause};
  for (const auto id : worker::attempts_in_progress(*it.page)) down.suspects.push_back({id});
  if (it.hung) down.reason = "made no progress in one step and was killed", down.cause = "hang";
  if (engine.incarnation)
    for (const auto& link : schedulers_)
      if (link.is_up()) send_control(world_, link.connection(), self_, down);
  engine.incarnation = {};
  engine.pid = 0;
  engine.models.clear();
  engine.loads.clear();
  engine.last_reason = down.reason;
  restart_or_give_up(k, now);
}

void worker_host::restart_or_give_up(std::uint32_t k, steady_time now) {
  auto& it = workers_[k];
  const auto delay = it.restarts.after_exit(now, world_.random().unit());
  it.engine.verdict = !delay ? "quarantined" : it.hung ? "hung" : "dead";
  if (delay) {
    ++it.engine.restarts;
    it.start_at = now + *delay;
  } else {
    world_.audit().quarantined(node_, k, true);
    world_.tell(self_, 0, "gives {} up", it.engine.name);
  }
  send_snapshot();
}

void worker_host::start_engine(std::uint32_t k) {
  auto& it = workers_[k];
  it.start_at.reset();
  it.engine.verdict = "starting";
  it.hung = false;
  it.how = {"ended", "exit"};
  it.progress = {};
  it.page = std::make_shared<worker::progress_page>();
  it.pipe = world_.start_engine(self_, world_.engine(node_, k), it.page);
  send_snapshot();
}

void worker_host::watch(std::uint32_t k, steady_time now) {
  auto& it = workers_[k];
  if (it.pipe == no_connection || it.hung) return;
  if (!it.progress.hangs(*it.page, world_.of().hang_after, now)) return;
  it.hung = true;
  world_.kill(world_.process_of(world_.engine(node_, k)),
              {"was killed by signal 9 (SIGKILL)", "killed"});
}

void worker_host::send_snapshot() {
  ++snapshot_.seq;
  snapshot_.engines.clear();
  for (const auto& each : workers_) snapshot_.engines.push_back(each.engine);
  for (const auto& link : schedulers_)
    if (link.is_up()) send_control(world_, link.connection(), self_, snapshot_);
}

}  // namespace coppice::simulation
