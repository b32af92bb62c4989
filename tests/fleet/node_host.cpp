#include "tests/fleet/node_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/fleet/scheduler_host.hpp"

#include <algorithm>

namespace coppice::fleet {

namespace {

/// As in worker/node/node_actor.cpp.
constexpr duration snapshot_period = 100ms;
constexpr int sigkill = 9;

std::string name_of(std::uint32_t node) { return "node-" + std::to_string(node + 1); }

std::vector<worker::roster_entry> entries_of(const cluster& all, std::uint32_t node) {
  const auto& of = all.of();
  const auto count = std::min(of.engines_per_node, of.engines - node * of.engines_per_node);
  std::vector<worker::roster_entry> entries;
  for (std::uint32_t k = 0; k < count; ++k)
    entries.push_back(
        {name_of(node) + "/engine-" + std::to_string(k), "cuda:" + std::to_string(k), ""});
  return entries;
}

worker::engine_exit killed() {
  worker::exit_evidence evidence;
  evidence.wait_status = sigkill;
  worker::engine_exit how;
  how.cause = worker::judge_exit(evidence);
  how.reason = worker::describe_exit(evidence);
  how.wait_status = evidence.wait_status;
  return how;
}

}  // namespace

node_host::node_host(cluster& all, std::uint32_t index)
    : all_{all},
      first_engine_{index * all.of().engines_per_node},
      roster_{name_of(index), entries_of(all, index), {}, 5s},
      engines_(entries_of(all, index).size()) {
  snapshot_.node = name_of(index);
  snapshot_.pid = 1000 + index;
  snapshot_.incarnation = {all.random().id()};
  snapshot_.metrics_url = "http://10.0.0.1:9464/metrics";
  all.time().in(all.random().between(0ms, snapshot_period), [this] {
    supervise();
    all_.time().every(snapshot_period, [this] { send_snapshot(); });
  });
}

void node_host::supervise() {
  for (const auto k : roster_.due(all_.now())) start(static_cast<std::uint32_t>(k));
  if (const auto next = roster_.next_due())
    all_.time().at(std::max(*next, all_.now() + 1ms), [this] { supervise(); });
}

void node_host::start(std::uint32_t k) {
  roster_.started(k, 2000 + k);
  const auto load = all_.of().load + all_.random().between(0ms, 200ms);
  all_.time().in(load, [this, k] { is_up(k); });
}

void node_host::is_up(std::uint32_t k) {
  const auto model = (first_engine_ + k) % all_.of().models();
  auto& made = engines_[k] = std::make_unique<engine_host>(all_, roster_.name(k), model);
  all_.engine_is_up(made->incarnation(), *made);
  roster_.reported(k, made->ready(), all_.now());
  send_snapshot();
}

void node_host::kill(std::uint32_t k) {
  if (engines_[k] == nullptr) return;
  all_.engine_is_gone(engines_[k]->incarnation(), engines_[k]->endpoint());
  engines_[k].reset();
  const auto ending = roster_.ended(k, killed(), all_.now(), all_.random().unit());
  if (ending.down)
    for (const auto& each : all_.schedulers())
      all_.time().in(all_.of().path,
                     [&to = *each, bytes = proto::encode(*ending.down)] { to.take_down(bytes); });
  send_snapshot();
  supervise();
}

void node_host::send_snapshot() {
  for (std::uint32_t k = 0; k < engines_.size(); ++k)
    if (engines_[k] != nullptr) roster_.reported(k, engines_[k]->load(), all_.now());
  ++snapshot_.seq;
  snapshot_.engines = roster_.states(all_.now());
  const auto bytes = std::make_shared<const std::string>(proto::encode(snapshot_));
  for (const auto& each : all_.schedulers()) {
    all_.sent().add(kind::snapshot, bytes->size());
    all_.time().in(all_.of().path, [&to = *each, bytes] { to.take_snapshot(*bytes); });
  }
}

}  // namespace coppice::fleet
