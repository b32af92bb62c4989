#include "tests/simulation/world.hpp"

#include "tests/simulation/client_host.hpp"
#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/gateway_host.hpp"
#include "tests/simulation/scheduler_host.hpp"
#include "tests/simulation/worker_host.hpp"
#include "worker/node/exit_cause.hpp"
#include "worker/node/progress_watch.hpp"

namespace coppice::simulation {

namespace {

/// Processor time of a turn, and of each message in it.
constexpr duration turn_cost = 2us;
constexpr duration message_cost = 2us;
/// Before the calm: an operator's last look, at which no drain is left.
constexpr duration last_look = 10s;

std::string told_of(const process_exit& how) {
  return how.why != nullptr ? how.why
                            : worker::describe_exit({how.wait_status, false, false, false, false});
}

}  // namespace

world::world(const scenario& of, auditor& audit, story* tale)
    : of_{of},
      audit_{audit},
      tale_{tale},
      random_{draws{of.seed}.fork(1)},
      network_{of.machines, queue_, *this, draws{of.seed}.fork(2)} {
  build();
}

world::~world() = default;

// --- who lives where -----------------------------------------------------------------------

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
  for (std::uint32_t m = 0; m < of_.machines; ++m) {
    machines_.push_back(
        {{random_.spread(duration{10s}, duration{10'000h}), random_.between(-100, 100)}, true});
    for (std::uint32_t other = 0; other < of_.machines; ++other)
      network_.between().set(m, other, of_.usual);
  }
  for (std::uint32_t g = 0; g < of_.gateways.size(); ++g)
    add_process(of_.gateways[g].machine, true, {fmt::format("gateway-{}", g + 1)});
  for (std::uint32_t s = 0; s < of_.schedulers.size(); ++s) {
    add_process(of_.schedulers[s].machine, true, {fmt::format("scheduler-{}", s + 1)});
    const auto home = of_.schedulers[s].gateway;
    if (home < 0) continue;
    // It lives in its gateway's process; the one made for it stays empty.
    processes_.back().hosts.clear();
    const auto shared = process_of(gateway(static_cast<std::uint32_t>(home)));
    processes_[shared].hosts.push_back(scheduler(s));
    homes_.back().process = shared;
  }
  for (std::uint32_t n = 0; n < of_.nodes.size(); ++n) {
    const auto on = of_.nodes[n].machine;
    add_process(on, true, {fmt::format("node-{}", n + 1)});
    for (std::uint32_t k = 0; k < of_.nodes[n].engines.size(); ++k)
      add_process(on, false, {fmt::format("node-{}/engine-{}", n + 1, k)});
  }
  for (std::uint32_t c = 0; c < of_.clients.size(); ++c)
    add_process(of_.clients[c].machine, true, {fmt::format("client-{}", c + 1)});
  for (process_id p = 0; p < processes_.size(); ++p)
    if (processes_[p].supervised) queue_.add(random_.between(0ms, 50ms), event_kind::start, p);
  for (std::uint64_t number = 1; number <= of_.requests.size(); ++number) {
    const auto& plan = of_.requests[number - 1];
    queue_.add(plan.at, event_kind::submit, 0, number);
    if (plan.cancel_after > duration{0})
      queue_.add(plan.at + plan.cancel_after, event_kind::submit, 1, number);
  }
  for (std::uint32_t f = 0; f < of_.faults.size(); ++f) {
    queue_.add(of_.faults[f].at, event_kind::fault, f);
    queue_.add(of_.faults[f].at + of_.faults[f].lasts, event_kind::heal, f);
    if (of_.faults[f].kind == fault_kind::drain_node ||
        of_.faults[f].kind == fault_kind::drain_engine)
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

// --- processes -----------------------------------------------------------------------------

steady_time world::local(host_id host) const {
  return machines_[processes_[homes_[host].process].on].clock.at(queue_.now());
}

bool world::responsive(host_id of) const {
  const auto& its = processes_[homes_[of].process];
  return its.runs && its.freezes == 0;
}

void world::start(process_id process) {
  auto& it = processes_[process];
  if (it.runs || it.hosts.empty() || !machines_[it.on].powered) return;
  it.runs = true;
  it.stopping = false;
  it.freezes = 0;
  for (const auto host : it.hosts) {
    auto& home = homes_[host];
    ++home.life;
    home.inbox.clear();
    home.armed = duration::max();
    home.busy_until = duration{0};
    home.exits = false;
    tell(host, 0, "starts (life {})", home.life);
    home.lives = make(host);
    arm(host, queue_.now());
  }
}

void world::start_later(process_id process) {
  const auto& it = processes_[process];
  if (it.supervised && !it.hosts.empty() && machines_[it.on].powered)
    queue_.add(queue_.now() + random_.between(100ms, 1500ms), event_kind::start, process);
}

void world::kill(process_id process, const process_exit& how, bool silent) {
  auto& it = processes_[process];
  if (!it.runs) return;
  it.runs = false;
  for (const auto host : it.hosts) {
    auto& home = homes_[host];
    tell(host, 0, "ends: {}", told_of(how));
    auto known = how;
    if (home.page)
      for (const auto id : worker::attempts_in_progress(*home.page)) known.suspects.push_back({id});
    home.lives.reset();
    for (const auto& each : home.inbox)
      if (each.kind == arrival_kind::submit) audit_.abandoned(each.number);
    home.inbox.clear();
    ++home.life;
    if (home.pipe != no_connection && !silent)
      network_.send(home.pipe, host, {{}, std::move(known)});
    home.pipe = no_connection;
    network_.host_died(host, silent);
  }
  start_later(process);
}

void world::exit(host_id host, process_exit how) {
  homes_[host].exits = true;
  homes_[host].how = std::move(how);
}

connection_id world::start_engine(host_id worker, host_id engine,
                                  const std::shared_ptr<worker::progress_page>& page) {
  auto& home = homes_[engine];
  // One of a dead worker that has not noticed yet, or is frozen, is heard of no more.
  kill(home.process, {exited(1), "its worker is gone", {}}, processes_[home.process].freezes > 0);
  home.pipe = network_.join(worker, engine);
  home.page = page;
  const auto pipe = home.pipe;
  start(home.process);
  return pipe;
}

std::string world::identity_of_peer(connection_id on, host_id self) const {
  const auto peer = network_.peer_of(on, self);
  return fmt::format("{}.{}", peer, homes_[peer].life);
}

std::shared_ptr<worker::progress_page> world::page_of(host_id engine) const {
  return homes_[engine].page;
}

void world::freeze(process_id process) {
  auto& it = processes_[process];
  if (!it.runs || it.freezes++ > 0) return;
  it.frozen_at = queue_.now();
  for (const auto host : it.hosts) tell(host, 0, "is frozen");
}

void world::thaw(process_id process) {
  auto& it = processes_[process];
  if (!it.runs || it.freezes == 0 || --it.freezes > 0) return;
  const auto lasted = queue_.now() - it.frozen_at;
  it.frozen_at = queue_.now();
  for (const auto host : it.hosts) {
    tell(host, 0, "goes on after {} ms", lasted / 1ms);
    homes_[host].lives->thawed(lasted);
    arm(host, queue_.now());
  }
}

duration world::last_frozen(host_id host) const {
  const auto& it = processes_[homes_[host].process];
  return it.freezes > 0 ? queue_.now() : it.frozen_at;
}

void world::power_off(machine_id machine) {
  machines_[machine].powered = false;
  for (process_id p = 0; p < processes_.size(); ++p)
    if (processes_[p].on == machine) kill(p, {9, "its machine lost power", {}}, true);
}

void world::power_on(machine_id machine) {
  auto& it = machines_[machine];
  if (it.powered) return;
  it.powered = true;
  it.clock = {random_.between(duration{1s}, duration{20s}) - queue_.now(),
              random_.between(-100, 100)};
  network_.booted(machine);
  for (process_id p = 0; p < processes_.size(); ++p)
    if (processes_[p].on == machine) start_later(p);
}

void world::ask_to_stop(process_id process) {
  processes_[process].stopping = true;
  for (const auto host : processes_[process].hosts) {
    homes_[host].wanted = queue_.now();
    arm(host, queue_.now());
  }
}

bool world::wants_stop(host_id host) const { return processes_[homes_[host].process].stopping; }

void world::order(const proto::drain_order& what) {
  for (std::uint32_t g = 0; g < of_.gateways.size(); ++g)
    if (responsive(gateway(g)))
      arrive(gateway(g), {arrival_kind::order, no_connection, {{}, what}, 0});
}

void world::tell_all(const std::string& what) {
  if (tale_ != nullptr) tale_->tell(truth(), "*", what);
}

// --- the loop ------------------------------------------------------------------------------

void world::arrive(host_id to, arrival&& what) {
  auto& home = homes_[to];
  if (home.lives == nullptr) return;
  home.inbox.push_back(std::move(what));
  if (processes_[home.process].freezes > 0) return;
  if (home.busy_until <= queue_.now()) return run_host(to);
  home.wanted = std::min(home.wanted, home.busy_until);
  arm(to, home.busy_until);
}

void world::arm(host_id host, duration at) {
  auto& home = homes_[host];
  home.wanted = at;
  if (home.armed <= at && home.armed >= queue_.now()) return;
  home.armed = at;
  queue_.add(at, event_kind::wake, host, home.life);
}

void world::wake(const event& what) {
  auto& home = homes_[what.target];
  if (home.life != what.argument || home.lives == nullptr || what.at != home.armed) return;
  home.armed = duration::max();
  if (home.wanted > what.at) return arm(what.target, home.wanted);
  run_host(what.target);
}

void world::run_host(host_id host) {
  auto& home = homes_[host];
  if (processes_[home.process].freezes > 0) return;
  if (home.busy_until > queue_.now()) return arm(host, home.busy_until);
  home.taken.swap(home.inbox);
  const auto messages = home.taken.size();
  const auto next = home.lives->turn(home.taken, local(host));
  home.taken.clear();
  if (home.exits) return kill(home.process, home.how);
  home.busy_until = queue_.now() + turn_cost + static_cast<long>(messages) * message_cost;
  const auto& clock = machines_[processes_[home.process].on].clock;
  arm(host, std::max(home.busy_until, clock.when(next)));
}

void world::submit(std::uint64_t number, arrival_kind kind) {
  const auto to = client(of_.requests[number - 1].client);
  if (homes_[to].lives == nullptr) return;
  if (kind == arrival_kind::submit) audit_.submitted(number);
  arrive(to, {kind, no_connection, {}, number});
}

void world::happen(const event& what) {
  switch (what.kind) {
    case event_kind::wake:
      return wake(what);
    case event_kind::submit:
      return submit(what.argument, what.target == 0 ? arrival_kind::submit : arrival_kind::cancel);
    case event_kind::fault:
      return begin_fault(*this, of_.faults[what.target]);
    case event_kind::heal:
      return end_fault(*this, of_.faults[what.target]);
    case event_kind::start:
      return start(what.target);
    case event_kind::thaw:
      return thaw(what.target);
    default:
      return network_.happen(what);
  }
}

void world::run() {
  while (!queue_.empty() && queue_.next_at() <= of_.ends && !audit_.first()) {
    const auto next = queue_.take();
    ++events_;
    digest_ = (std::rotl(digest_, 9) ^ static_cast<std::uint64_t>(next.at.count())) *
                  0x9E3779B97F4A7C15ull +
              ((next.argument << 16) ^ (std::uint64_t{next.target} << 8) ^
               static_cast<std::uint64_t>(next.kind));
    happen(next);
  }
  if (audit_.first()) return;
  for (auto& home : homes_)
    if (auto* gateway = dynamic_cast<gateway_host*>(home.lives.get())) gateway->finish();
  audit_.finish();
}

}  // namespace coppice::simulation
