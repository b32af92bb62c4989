#include "scheduler/drain/drain_watch.hpp"

#include "base/counted.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace coppice::scheduler {

namespace {

constexpr std::size_t most_named = 100;

bool drains(const proto::engine_state& engine) { return engine.verdict == "draining"; }

/// Nothing runs there, and nothing will unless an operator or a new worker process starts it.
bool is_down(const engine_table::place& of) {
  return of.lost || (!of.engine->incarnation && of.engine->verdict == "quarantined");
}

}  // namespace

void drain_watch::acknowledged(const proto::drain_ack& ack) {
  const auto gateway = gateways_.find(ack.gateway);
  if (gateway == gateways_.end()) return;
  for (const auto incarnation : ack.incarnations)
    if (const auto found = gateway->second.find(incarnation); found != gateway->second.end())
      found->second.in_flight = ack.in_flight;
}

proto::error_body drain_watch::unknown(const std::string& target, const engine_table& engines) {
  std::string known;
  std::size_t named = 0;
  for (const auto& node : engines.nodes()) {
    if (named++ < most_named) known += (known.empty() ? "" : ", ") + node.node;
    for (const auto& engine : node.engines)
      if (named++ < most_named) known += ", " + engine.name;
  }
  return {std::string{code_name(errc::not_found)},
          "There is no node or engine '" + target +
              "'. Known: " + (known.empty() ? "none" : known) + ".",
          false, 0};
}

std::vector<std::pair<std::string, proto::drain_notice>> drain_watch::due(
    const engine_table& engines, steady_time now) {
  std::vector<std::pair<std::string, proto::drain_notice>> out;
  const auto& draining = engines.draining();
  for (auto& [gateway, told] : gateways_) {
    proto::drain_notice ended;
    for (const auto& [incarnation, notice] : told)
      if (!std::binary_search(draining.begin(), draining.end(), incarnation))
        ended.over.push_back(incarnation);
    for (const auto incarnation : ended.over) told.erase(incarnation);
    if (!ended.over.empty()) out.push_back({gateway, std::move(ended)});
    for (const auto incarnation : draining) {
      const auto [entry, is_new] = told.try_emplace(incarnation, notice{now, {}});
      const auto every = entry->second.in_flight == 0u ? renew_every_ : remind_every_;
      if (!is_new && now - entry->second.told < every) continue;
      entry->second.told = now;
      out.push_back({gateway, {{incarnation}, {}}});
    }
  }
  return out;
}

void drain_watch::wait_for_engine(const engine_table::place& of,
                                  std::vector<std::string>& out) const {
  const auto& engine = *of.engine;
  if (!drains(engine) && !is_down(of))
    out.push_back(engine.name + ": its worker has not begun to drain it");
  std::uint64_t rows = 0;
  for (const auto& load : engine.loads) rows += load.running_rows + load.queued_rows;
  if (rows > 0 && engine.incarnation)
    out.push_back(engine.name + ": " + counted(rows, "row") + " running or queued");
}

void drain_watch::wait_for_gateways(const proto::engine_state& engine,
                                    std::vector<std::string>& out) const {
  if (!engine.incarnation || !drains(engine)) return;
  for (const auto& [gateway, told] : gateways_) {
    const auto found = told.find(engine.incarnation);
    if (found == told.end() || !found->second.in_flight)
      out.push_back(engine.name + ": " + gateway + " has not acknowledged");
    else if (*found->second.in_flight > 0)
      out.push_back(engine.name + ": " + gateway + " has " +
                    counted(*found->second.in_flight, "attempt") + " in flight");
  }
}

proto::drain_status drain_watch::status(const std::string& target,
                                        const engine_table& engines) const {
  const auto all = engines.targeted(target);
  if (all.empty()) return {target, "unknown", {}, unknown(target, engines)};
  if (std::none_of(all.begin(), all.end(),
                   [](const auto& each) { return drains(*each.engine) || is_down(each); }))
    return {target, "serving", {}, {}};
  proto::drain_status status{target, "draining", {}, {}};
  for (const auto& each : all) {
    wait_for_engine(each, status.waiting_for);
    wait_for_gateways(*each.engine, status.waiting_for);
  }
  if (status.waiting_for.empty()) status.state = "drained";
  return status;
}

}  // namespace coppice::scheduler
