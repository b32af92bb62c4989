#include "tests/simulation/client_host.hpp"
#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/gateway_host.hpp"
#include "tests/simulation/scheduler_host.hpp"
#include "tests/simulation/worker_host.hpp"
#include "tests/simulation/world.hpp"

namespace coppice::simulation {

namespace {

/// Before the calm: an operator's last look, at which no drain is left.
constexpr duration last_look = 10s;

}  // namespace

host_id world::scheduler(std::uint32_t index) const {
  return static_cast<host_id>(of_.gateways.size()) + index;
}

host_id world::worker(std::uint32_t node) const {
  auto at = scheduler(static_cast<std::uint32_t>(of_.schedulers.size()));
  for (std::uint32_t n = 0; n < node; ++n)
    at += 1 + static_cast<host_id>(of_.nodes[n].engines.size());
  return at;
}

host_id world::engine(std::uint32_t node, std::uint32_t k) const { return worker(node) + 1 + k; }

host_id world::client(std::uint32_t index) const {
  return worker(static_cast<std::uint32_t>(of_.nodes.size())) + index;
}

void world::add_process(machine_id on, bool supervised, std::vector<std::string> hosts) {
  const auto id = static_cast<process_id>(processes_.size());
  auto& made = processes_.emplace_back();
  made.on = on;
  made.supervised = supervised;
  for (auto& name : hosts) {
    const auto host = static_cast<host_id>(homes_.size());
    made.hosts.push_back(host);
    network_.place(host, on);
    homes_.emplace_back();
    homes_.back().name = std::move(name);
    homes_.back().process = id;
  }
}

void world::build() {
  build_machines();
  build_processes();
  plan_events();
}

void world::build_machines() {
  for (std::uint32_t m = 0; m < of_.machines; ++m) {
    machines_.push_back(
        {{random_.spread(duration{10s}, duration{10'000h}), random_.between(-100, 100)}, true});
    for (std::uint32_t other = 0; other < of_.machines; ++other)
      network_.between().set(m, other, of_.usual);
  }
}

void world::add_scheduler(std::uint32_t index) {
  add_process(of_.schedulers[index].machine, true, {fmt::format("scheduler-{}", index + 1)});
  const auto home = of_.schedulers[index].gateway;
  if (home < 0) return;
  // It lives in its gateway's process; the one made for it stays empty.
  processes_.back().hosts.clear();
  const auto shared = process_of(gateway(static_cast<std::uint32_t>(home)));
  processes_[shared].hosts.push_back(scheduler(index));
  homes_.back().process = shared;
}

/// In the order of `host_id`.
void world::build_processes() {
  for (std::uint32_t g = 0; g < of_.gateways.size(); ++g)
    add_process(of_.gateways[g].machine, true, {fmt::format("gateway-{}", g + 1)});
  for (std::uint32_t s = 0; s < of_.schedulers.size(); ++s) add_scheduler(s);
  for (std::uint32_t n = 0; n < of_.nodes.size(); ++n) {
    const auto on = of_.nodes[n].machine;
    add_process(on, true, {fmt::format("node-{}", n + 1)});
    for (std::uint32_t k = 0; k < of_.nodes[n].engines.size(); ++k)
      add_process(on, false, {fmt::format("node-{}/engine-{}", n + 1, k)});
  }
  for (std::uint32_t c = 0; c < of_.clients.size(); ++c)
    add_process(of_.clients[c].machine, true, {fmt::format("client-{}", c + 1)});
}

void world::plan_events() {
  for (process_id p = 0; p < processes_.size(); ++p)
    if (processes_[p].supervised) queue_.add(random_.between(0ms, 50ms), event_kind::start, p);
  for (std::uint64_t number = 1; number <= of_.requests.size(); ++number) {
    const auto& plan = of_.requests[number - 1];
    queue_.add(plan.at, event_kind::submit, 0, number);
    if (plan.cancel_after > duration{0})
      queue_.add(plan.at + plan.cancel_after, event_kind::submit, 1, number);
  }
  for (std::uint32_t f = 0; f < of_.faults.size(); ++f) {
    const auto& fault = of_.faults[f];
    queue_.add(fault.at, event_kind::fault, f);
    queue_.add(fault.at + fault.lasts, event_kind::heal, f);
    if (fault.kind == fault_kind::drain_node || fault.kind == fault_kind::drain_engine)
      queue_.add(of_.calm_from - last_look, event_kind::heal, f);
  }
}

std::unique_ptr<host> world::make(host_id host) {
  if (host < scheduler(0)) return std::make_unique<gateway_host>(*this, host);
  if (host < worker(0)) return std::make_unique<scheduler_host>(*this, host);
  if (host >= client(0)) return std::make_unique<client_host>(*this, host);
  for (std::uint32_t n = 0; n < of_.nodes.size(); ++n) {
    if (host == worker(n)) return std::make_unique<worker_host>(*this, host, n);
    if (host < worker(n + 1)) return std::make_unique<engine_host>(*this, host, n);
  }
  return nullptr;
}

}  // namespace coppice::simulation
