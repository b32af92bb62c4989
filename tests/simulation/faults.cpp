#include "tests/simulation/faults.hpp"

#include "tests/simulation/world.hpp"

namespace coppice::simulation {

namespace {

process_id process_of(const world& all, const fault_plan& it) {
  switch (it.kind) {
    case fault_kind::kill_gateway:
    case fault_kind::stop_gateway:
    case fault_kind::freeze_gateway:
      return all.process_of(all.gateway(it.target));
    case fault_kind::kill_scheduler:
    case fault_kind::stop_scheduler:
    case fault_kind::freeze_scheduler:
      return all.process_of(all.scheduler(it.target));
    case fault_kind::kill_worker:
    case fault_kind::stop_worker:
    case fault_kind::freeze_worker:
      return all.process_of(all.worker(it.target));
    case fault_kind::kill_engine:
    case fault_kind::freeze_engine:
      return all.process_of(all.engine(it.target, it.other));
    default:
      return all.process_of(all.client(it.target));
  }
}

/// Calls `change(from, to)` for every way between machines that the fault is about.
template <class Change>
void for_each_way(const world& all, const fault_plan& it, Change change) {
  const bool alone = it.kind == fault_kind::isolation || it.kind == fault_kind::one_way_isolation;
  const bool one_way =
      it.kind == fault_kind::one_way_partition || it.kind == fault_kind::one_way_isolation;
  for (machine_id other = 0; other < all.of().machines; ++other) {
    if (other == it.target || (!alone && other != it.other)) continue;
    if (!one_way || it.inwards) change(other, it.target);
    if (!one_way || !it.inwards) change(it.target, other);
  }
}

void order_drain(world& all, const fault_plan& it, bool drain) {
  const auto target = it.kind == fault_kind::drain_node
                          ? all.name_of(all.worker(it.target))
                          : all.name_of(all.engine(it.target, it.other));
  all.order({target, drain});
}

void cut_all(world& all, const fault_plan& it) {
  for (const auto on : all.net().between(it.target, it.other)) all.net().cut(on);
}

}  // namespace

const char* fault_name(fault_kind kind) {
  constexpr const char* names[] = {
      "kill gateway",   "stop gateway",      "kill scheduler",    "kill worker",
      "kill engine",    "freeze gateway",    "freeze scheduler",  "freeze worker",
      "freeze engine",  "freeze client",     "kill client",       "partition",
      "isolation",      "one-way partition", "one-way isolation", "cut",
      "slow path",      "lossy path",        "power off",         "stop worker",
      "stop scheduler", "drain node",        "drain engine"};
  static_assert(std::size(names) == fault_kinds);
  return names[static_cast<std::size_t>(kind)];
}

void begin_fault(world& all, const fault_plan& it) {
  all.tell_all(fmt::format("FAULT {} {}/{} for {} ms", fault_name(it.kind), it.target, it.other,
                           it.lasts / 1ms));
  switch (it.kind) {
    case fault_kind::kill_gateway:
    case fault_kind::kill_scheduler:
    case fault_kind::kill_worker:
    case fault_kind::kill_engine:
    case fault_kind::kill_client:
      return all.kill(process_of(all, it), killed);
    case fault_kind::stop_gateway:
    case fault_kind::stop_scheduler:
    case fault_kind::stop_worker:
      return all.ask_to_stop(process_of(all, it));
    case fault_kind::freeze_gateway:
    case fault_kind::freeze_scheduler:
    case fault_kind::freeze_worker:
    case fault_kind::freeze_engine:
    case fault_kind::freeze_client:
      return all.freeze(process_of(all, it));
    case fault_kind::partition:
    case fault_kind::isolation:
    case fault_kind::one_way_partition:
    case fault_kind::one_way_isolation:
      return for_each_way(all, it, [&](auto from, auto to) { all.net().block(from, to); });
    case fault_kind::slow_path:
    case fault_kind::lossy_path:
      return for_each_way(
          all, it, [&](auto from, auto to) { all.net().between().set(from, to, it.quality); });
    case fault_kind::cut:
      return cut_all(all, it);
    case fault_kind::power_off:
      return all.power_off(it.target);
    case fault_kind::drain_node:
    case fault_kind::drain_engine:
      return order_drain(all, it, true);
  }
}

void end_fault(world& all, const fault_plan& it) {
  switch (it.kind) {
    case fault_kind::freeze_gateway:
    case fault_kind::freeze_scheduler:
    case fault_kind::freeze_worker:
    case fault_kind::freeze_engine:
    case fault_kind::freeze_client:
      return all.thaw(process_of(all, it));
    case fault_kind::partition:
    case fault_kind::isolation:
    case fault_kind::one_way_partition:
    case fault_kind::one_way_isolation:
      all.tell_all(fmt::format("{} {}/{} heals", fault_name(it.kind), it.target, it.other));
      return for_each_way(all, it, [&](auto from, auto to) { all.net().heal(from, to); });
    case fault_kind::slow_path:
    case fault_kind::lossy_path:
      return for_each_way(
          all, it, [&](auto from, auto to) { all.net().between().set(from, to, all.of().usual); });
    case fault_kind::power_off:
      return all.power_on(it.target);
    case fault_kind::drain_node:
    case fault_kind::drain_engine:
      return order_drain(all, it, false);
    default:
      return;
  }
}

}  // namespace coppice::simulation
