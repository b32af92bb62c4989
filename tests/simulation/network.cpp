#include "tests/simulation/network.hpp"

namespace coppice::simulation {

namespace {

constexpr duration sweep_period = 500ms;
/// CAF's heartbeat time-out, and that of TCP's keep-alive at the gateway's door, in sweeps.
constexpr std::uint32_t mesh_silence = 10;
constexpr std::uint32_t client_silence = 30;
constexpr duration first_retry = 1s;

std::uint32_t lane_index(connection_id on, int from) {
  return 2 * on + static_cast<std::uint32_t>(from);
}

}  // namespace

network::network(std::uint32_t machines, event_queue& queue, network_users& users, draws random)
    : queue_{queue}, users_{users}, random_{random}, paths_{machines, random.fork(1)} {
  queue_.add(sweep_period, event_kind::sweep, 0);
}

void network::place(host_id host, machine_id on) {
  if (machine_of_.size() <= host) machine_of_.resize(host + 1);
  machine_of_[host] = on;
}

// --- opening and closing -------------------------------------------------------------------

void network::listen(host_id host, const std::string& endpoint) {
  listeners_[endpoint] = {host, true};
}

connection_id network::dial(host_id from, const std::string& endpoint, link_kind kind) {
  const auto id = static_cast<connection_id>(connections_.size());
  auto& made = connections_.emplace_back();
  made.kind = kind;
  made.endpoint = endpoint;
  const auto target = listeners_.find(endpoint);
  const auto peer = target == listeners_.end() ? from : target->second.host;
  made.ends[0] = {from, true};
  made.ends[1] = {peer, false};
  active_.push_back(id);
  const auto there = paths_.delay(machine_of_[from], machine_of_[peer]);
  const auto back = paths_.delay(machine_of_[peer], machine_of_[from]);
  queue_.add(queue_.now() + there + back + there, event_kind::establish, id);
  return id;
}

connection_id network::join(host_id parent, host_id child) {
  const auto id = static_cast<connection_id>(connections_.size());
  auto& made = connections_.emplace_back();
  made.kind = link_kind::pipe;
  made.dialling = false;
  made.ends[0] = {parent, true};
  made.ends[1] = {child, true};
  active_.push_back(id);
  return id;
}

void network::establish(connection_id on) {
  auto& it = connections_[on];
  if (!it.dialling || !it.ends[0].open) return;
  const auto target = listeners_.find(it.endpoint);
  if (target == listeners_.end()) return refused(on);
  it.ends[1].host = target->second.host;
  if (!passes(it, 0) || !passes(it, 1) || !users_.powered(machine_of_[it.ends[1].host]))
    return queue_.add(queue_.now() + first_retry * (1 << std::min(it.tries++, 4u)),
                      event_kind::establish, on);
  if (!target->second.open) return refused(on);
  it.dialling = false;
  it.ends[1].open = true;
  users_.arrive(it.ends[1].host, {arrival_kind::accepted, on, {}, 0});
  users_.arrive(it.ends[0].host, {arrival_kind::opened, on, {}, 0});
  release(on, 0);
}

void network::refused(connection_id on) {
  auto& it = connections_[on];
  it.ends[0].open = it.dialling = false;
  for (const auto at : it.lanes[0].held) (void)unstore(at);
  it.lanes[0].held.clear();
  users_.arrive(it.ends[0].host, {arrival_kind::closed, on, {}, 0});
}

void network::close(connection_id on, host_id from) {
  auto& it = connections_[on];
  const auto side = side_of(it, from);
  if (!it.ends[side].open) return;
  it.ends[side].open = false;
  if (it.ends[1 - side].open) put(on, side, {}, true);
}

void network::host_died(host_id host, bool silent) {
  for (auto& [endpoint, each] : listeners_)
    if (each.host == host) each.open = false;
  for (const auto id : std::vector<connection_id>{active_}) {
    auto& it = connections_[id];
    for (const int side : {0, 1}) {
      if (it.ends[side].host != host || !it.ends[side].open) continue;
      it.ends[side].open = false;
      if (silent || !it.ends[1 - side].open) continue;
      if (it.kind != link_kind::pipe && random_.chance(0.5)) tear(id, side);
      put(id, side, {}, true);
    }
  }
}

void network::booted(machine_id machine) {
  for (const auto id : active_) {
    auto& it = connections_[id];
    for (const int side : {0, 1})
      if (!it.dialling && machine_of_[it.ends[side].host] == machine && !it.ends[side].open &&
          it.ends[1 - side].open)
        put(id, side, {}, true, random_.between(duration{0}, duration{1500ms}));
  }
}

void network::cut(connection_id on) {
  for (const int side : {0, 1}) {
    tear(on, side);
    put(on, side, {}, true);
  }
}

std::vector<connection_id> network::between(machine_id a, machine_id b) const {
  std::vector<connection_id> found;
  for (const auto id : active_) {
    const auto& it = connections_[id];
    if (it.dialling || !it.ends[0].open || !it.ends[1].open) continue;
    const auto from = machine_of_[it.ends[0].host], to = machine_of_[it.ends[1].host];
    if ((from == a && to == b) || (from == b && to == a)) found.push_back(id);
  }
  return found;
}

// --- sending -------------------------------------------------------------------------------

bool network::send(connection_id on, host_id from, packet&& what) {
  const auto side = side_of(connections_[on], from);
  if (!connections_[on].ends[side].open) return false;
  put(on, side, std::move(what), false);
  return true;
}

bool network::passes(const connection& on, int from) {
  const auto a = machine_of_[on.ends[from].host], b = machine_of_[on.ends[1 - from].host];
  return a == b || paths_.passes(a, b, queue_.now());
}

void network::put(connection_id on, int from, packet&& what, bool last, duration pause) {
  auto& it = connections_[on];
  auto& way = it.lanes[from];
  const auto at = store(std::move(what), way.epoch, last);
  if (it.dialling) return way.held.push_back(at);
  const auto took =
      pause + paths_.delay(machine_of_[it.ends[from].host], machine_of_[it.ends[1 - from].host]);
  way.floor = std::max(way.floor + duration{1}, queue_.now() + took);
  queue_.add(way.floor, event_kind::deliver, lane_index(on, from), at);
}

void network::tear(connection_id on, int from) {
  auto& way = connections_[on].lanes[from];
  ++way.epoch;
  for (const auto at : way.held) (void)unstore(at);
  way.held.clear();
}

// --- delivering ----------------------------------------------------------------------------

void network::deliver(connection_id on, int from, std::uint32_t at) {
  auto& it = connections_[on];
  auto& way = it.lanes[from];
  if (!way.held.empty() || !passes(it, from)) return way.held.push_back(at);
  hand_over(on, from, at);
}

void network::hand_over(connection_id on, int from, std::uint32_t at) {
  auto& it = connections_[on];
  auto& receiver = it.ends[1 - from];
  const bool last = packets_[at].last;
  const bool lost = packets_[at].epoch != it.lanes[from].epoch;
  auto what = unstore(at);
  if (!receiver.open || lost) return;
  if (last) receiver.open = false;
  const auto kind = last ? arrival_kind::closed : arrival_kind::message;
  users_.arrive(receiver.host, {kind, on, std::move(what), 0});
}

void network::release(connection_id on, int from) {
  auto& it = connections_[on];
  auto& way = it.lanes[from];
  if (way.held.empty() || !passes(it, from)) return;
  const auto held = std::move(way.held);
  way.held.clear();
  for (const auto at : held) hand_over(on, from, at);
}

void network::block(machine_id from, machine_id to) { paths_.block(from, to, queue_.now()); }

void network::heal(machine_id from, machine_id to) {
  paths_.unblock(from, to);
  for (const auto id : active_) {
    auto& it = connections_[id];
    for (const int side : {0, 1}) {
      if (it.dialling || it.lanes[side].held.empty() || !passes(it, side)) continue;
      const auto resumes = queue_.now() + random_.between(duration{1ms}, duration{400ms});
      queue_.add(resumes, event_kind::release, lane_index(id, side));
    }
  }
}

// --- silence -------------------------------------------------------------------------------

/// Heartbeats of the mesh are answered by processes, the door's keep-alive by machines.
bool network::answers(const connection& it, int side) {
  const auto host = it.ends[side].host;
  if (it.kind == link_kind::mesh) return users_.responsive(host) && passes(it, side);
  return users_.powered(machine_of_[host]) && passes(it, side) && passes(it, 1 - side);
}

void network::give_up_if_silent(connection_id on, int side) {
  auto& it = connections_[on];
  auto& own = it.ends[side];
  const auto& peer = it.ends[1 - side];
  const bool watches = it.kind == link_kind::mesh || (it.kind == link_kind::client && side == 1);
  if (!watches || !own.open || it.dialling || !users_.responsive(own.host)) return;
  const bool heard = peer.open && answers(it, 1 - side);
  own.silent = heard ? 0 : own.silent + 1;
  if (own.silent < (it.kind == link_kind::mesh ? mesh_silence : client_silence)) return;
  own.open = false;
  if (peer.open) put(on, side, {}, true);
  users_.arrive(own.host, {arrival_kind::closed, on, {}, 0});
}

void network::sweep() {
  queue_.add(queue_.now() + sweep_period, event_kind::sweep, 0);
  for (const auto id : std::vector<connection_id>{active_})
    for (const int side : {0, 1}) give_up_if_silent(id, side);
  std::erase_if(active_, [&](connection_id id) {
    return !connections_[id].ends[0].open && !connections_[id].ends[1].open;
  });
}

void network::happen(const event& what) {
  const auto on = what.target / 2;
  const auto from = static_cast<int>(what.target % 2);
  switch (what.kind) {
    case event_kind::deliver:
      return deliver(on, from, static_cast<std::uint32_t>(what.argument));
    case event_kind::release:
      return release(on, from);
    case event_kind::establish:
      return establish(what.target);
    default:
      return sweep();
  }
}

std::uint32_t network::store(packet&& what, std::uint32_t epoch, bool last) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(packets_.size()));
    packets_.emplace_back();
  }
  const auto at = free_.back();
  free_.pop_back();
  packets_[at] = {std::move(what), epoch, last};
  return at;
}

packet network::unstore(std::uint32_t at) {
  free_.push_back(at);
  return std::move(packets_[at].what);
}

}  // namespace coppice::simulation
