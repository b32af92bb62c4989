#include "tests/simulation/world.hpp"
#include "worker/node/exit_cause.hpp"
#include "worker/node/progress_watch.hpp"

namespace coppice::simulation {

namespace {

std::string told_of(const process_exit& how) {
  return how.why != nullptr ? how.why
                            : worker::describe_exit({how.wait_status, false, false, false, false});
}

}  // namespace

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

}  // namespace coppice::simulation
