#include "tests/simulation/world.hpp"

#include "tests/simulation/faults.hpp"
#include "tests/simulation/gateway_host.hpp"

namespace coppice::simulation {

namespace {

/// Processor time of a turn, and of each message in it.
constexpr duration turn_cost = 2us;
constexpr duration message_cost = 2us;

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
