#include "tests/simulation/paths.hpp"

namespace coppice::simulation {

namespace {

constexpr duration local_delay = 4us;
/// The kernel's least and usual retransmission time-out.
constexpr duration retransmission = 200ms;
constexpr duration longest_leak = 400ms;

}  // namespace

paths::paths(std::uint32_t machines, draws random)
    : machines_{machines}, random_{random}, ways_(std::size_t{machines} * machines) {}

duration paths::delay(machine_id from, machine_id to) {
  if (from == to) return local_delay + random_.around(local_delay);
  const auto& now = at(from, to).now;
  auto took = now.least + random_.around(now.jitter);
  if (now.loss > 0)
    for (auto pause = retransmission; random_.chance(now.loss); pause *= 2) took += pause;
  return took;
}

void paths::block(machine_id from, machine_id to, duration now) {
  auto& way = at(from, to);
  if (way.blocks++ > 0) return;
  way.blocked_since = now;
  way.leaks = random_.between(duration{0}, longest_leak);
}

void paths::unblock(machine_id from, machine_id to) {
  auto& way = at(from, to);
  if (way.blocks > 0) --way.blocks;
}

bool paths::passes(machine_id from, machine_id to, duration now) {
  if (at(from, to).blocks > 0) return false;
  const auto& back = at(to, from);
  return back.blocks == 0 || now < back.blocked_since + back.leaks;
}

}  // namespace coppice::simulation
