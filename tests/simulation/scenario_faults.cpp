#include "tests/simulation/scenario_parts.hpp"

#include <array>

namespace coppice::simulation {

namespace {

constexpr duration faults_from = 3s;
constexpr duration faults_until = 57s;
constexpr int gentle_faults = 10;

/// Chooses whom it strikes.
void aim(draws& random, const scenario& of, fault_plan& made) {
  const auto index = [&](std::size_t n) { return static_cast<std::uint32_t>(random.below(n)); };
  switch (made.kind) {
    case fault_kind::kill_gateway:
    case fault_kind::stop_gateway:
    case fault_kind::freeze_gateway:
      made.target = index(of.gateways.size());
      break;
    case fault_kind::kill_scheduler:
    case fault_kind::stop_scheduler:
    case fault_kind::freeze_scheduler:
      made.target = index(of.schedulers.size());
      break;
    case fault_kind::kill_worker:
    case fault_kind::stop_worker:
    case fault_kind::freeze_worker:
    case fault_kind::drain_node:
      made.target = index(of.nodes.size());
      break;
    case fault_kind::kill_engine:
    case fault_kind::freeze_engine:
    case fault_kind::drain_engine:
      made.target = index(of.nodes.size());
      made.other = index(of.nodes[made.target].engines.size());
      break;
    case fault_kind::kill_client:
    case fault_kind::freeze_client:
      made.target = index(of.clients.size());
      break;
    default:
      made.target = index(of.machines);
      made.other = (made.target + 1 + index(of.machines - 1)) % of.machines;
  }
}

fault_plan draw_fault(draws& random, const scenario& of) {
  fault_plan made;
  made.kind = static_cast<fault_kind>(random.below(fault_kinds));
  made.at = random.between(faults_from, faults_until);
  made.lasts = random.spread(50ms, 4s);
  made.inwards = random.chance(0.5);
  aim(random, of, made);
  if (made.kind == fault_kind::slow_path)
    made.quality = {random.spread(5ms, 200ms), random.spread(5ms, 100ms), 0};
  if (made.kind == fault_kind::lossy_path)
    made.quality = {of.usual.least, of.usual.jitter, 0.01 + 0.2 * random.unit()};
  return made;
}

/// One after another.
void draw_gentle_faults(draws& random, scenario& out) {
  constexpr std::array kinds{fault_kind::stop_gateway, fault_kind::stop_scheduler,
                             fault_kind::stop_worker, fault_kind::drain_node,
                             fault_kind::drain_engine};
  auto at = faults_from;
  for (int i = 0; i < gentle_faults; ++i) {
    fault_plan made;
    made.kind = kinds[random.below(kinds.size())];
    made.at = at;
    made.lasts = random.between(duration{500ms}, duration{1500ms});
    aim(random, out, made);
    out.faults.push_back(made);
    at += random.between(duration{5s}, duration{5500ms});
  }
}

}  // namespace

void draw_faults(draws& random, scenario& out) {
  if (out.gentle) return draw_gentle_faults(random, out);
  const auto count = 10 + random.below(15);
  for (std::uint64_t i = 0; i < count; ++i) out.faults.push_back(draw_fault(random, out));
}

}  // namespace coppice::simulation
