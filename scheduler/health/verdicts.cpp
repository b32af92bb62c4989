#include "scheduler/health/verdicts.hpp"

#include <algorithm>

namespace coppice::scheduler {

namespace {

bool share_a_model(const std::vector<std::pair<std::string, std::uint32_t>>& a,
                   const std::vector<std::pair<std::string, std::uint32_t>>& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& model) {
    return std::find(b.begin(), b.end(), model) != b.end();
  });
}

std::string in_ms(duration d) { return std::to_string(to_us(d) / 1000) + " ms"; }

}  // namespace

verdicts::verdicts(verdict_options options)
    : options_{options},
      lag_{options.turn},
      silence_{options.silence},
      outliers_{options.outliers} {}

// --- evidence ------------------------------------------------------------------------------

void verdicts::heard(const proto::node_snapshot& snapshot, steady_time now) {
  silence_.heard(snapshot.node, now);
  auto& node = nodes_[snapshot.node];
  node.ended.clear();
  auto gone = std::exchange(node.engines, {});
  for (const auto& state : snapshot.engines) {
    std::erase(gone, state.name);
    node.engines.push_back(state.name);
    auto& engine = engines_[state.name];
    engine.name = state.name;
    engine.node = snapshot.node;
    engine.verdict = state.verdict;
    engine.reason = state.last_reason;
    if (state.incarnation != engine.incarnation) start(engine, state, now);
    settle(engine, now);
  }
  for (const auto& name : gone) drop(name);
}

/// The engine has a new incarnation, or none.
void verdicts::start(engine_record& engine, const proto::engine_state& state, steady_time now) {
  stop(engine);
  engine.incarnation = state.incarnation;
  if (!state.incarnation) return;
  by_incarnation_[state.incarnation] = &engine;
  engine.up_since = now;
  engine.models.clear();
  for (const auto& card : state.models) engine.models.emplace_back(card.name, card.version);
  if (engine.ended == last_end::none || !others_are_settled(engine, now)) return;
  engine.probation.emplace(step_for(engine, now), now);
}

/// Of the probation of an engine that was started again.
duration verdicts::step_for(engine_record& engine, steady_time now) const {
  const auto recent = [&](steady_time death) { return now - death < options_.flapping_period; };
  std::erase_if(engine.deaths, [&](steady_time death) { return !recent(death); });
  if (engine.deaths.size() >= options_.flapping_deaths) return options_.flapping_step;
  return engine.ended == last_end::stopped ? options_.orderly_step : options_.step;
}

/// What was thought of its incarnation is void.
void verdicts::stop(engine_record& engine) {
  if (!engine.incarnation) return;
  by_incarnation_.erase(engine.incarnation);
  outliers_.forget(engine.incarnation);
  engine.incarnation = {};
  engine.probation.reset();
  engine.quarantined_until.reset();
  engine.outlier_reason.clear();
  engine.has_evidence = false;
  engine.ended = last_end::died;
}

void verdicts::ended(const proto::engine_down& down, steady_time now) {
  const auto found = by_incarnation_.find(down.incarnation);
  if (found == by_incarnation_.end()) return;
  auto& engine = *found->second;
  stop(engine);
  engine.verdict = "dead";
  engine.reason = down.reason;
  if (down.cause == "stopped")
    engine.ended = last_end::stopped;
  else
    engine.deaths.push_back(now);
  if (engine.deaths.size() > options_.flapping_deaths) engine.deaths.pop_front();
  settle(engine, now);
}

void verdicts::node_ended(const std::string& node, const std::string& reason, steady_time now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  found->second.ended = reason;
  silence_.forget(node);
  for (const auto& name : found->second.engines) settle(engines_[name], now);
}

void verdicts::reported(const std::string& shard, const std::vector<proto::holding>& holdings,
                        steady_time now) {
  const auto since = last_report(shard, now);
  for (const auto& each : holdings) {
    const auto found = by_incarnation_.find(each.incarnation);
    if (found == by_incarnation_.end()) continue;
    if (since && each.completed + each.refused > 0) silence_.vouch(found->second->node, *since);
    if (outliers_.report(each, now)) found->second->has_evidence = true;
  }
}

std::optional<steady_time> verdicts::last_report(const std::string& shard, steady_time now) {
  const auto found = reports_.find(shard);
  if (found != reports_.end()) return std::exchange(found->second, now);
  std::erase_if(reports_,
                [&](const auto& each) { return now - each.second >= options_.reports_remembered; });
  reports_[shard] = now;
  return std::nullopt;
}

std::vector<std::string> verdicts::turn(steady_time now) {
  silence_.excuse(lag_.excuse(now), now);
  auto died = silence_.turn(now);
  for (auto& [name, engine] : engines_) {
    weigh(engine, now);
    settle(engine, now);
  }
  return died;
}

void verdicts::forget_node(const std::string& node) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  for (const auto& name : found->second.engines) drop(name);
  silence_.forget(node);
  nodes_.erase(found);
}

void verdicts::drop(const std::string& engine) {
  const auto found = engines_.find(engine);
  if (found == engines_.end()) return;
  stop(found->second);
  changes_.push_back({engine, true, {"", "", 0}});
  engines_.erase(found);
}

// --- judgement -----------------------------------------------------------------------------

bool verdicts::others_are_settled(const engine_record& engine, steady_time now) const {
  return std::any_of(engines_.begin(), engines_.end(), [&](const auto& entry) {
    const auto& other = entry.second;
    return &other != &engine && other.now.verdict == "up" && other.incarnation &&
           now - other.up_since >= options_.settled && share_a_model(other.models, engine.models);
  });
}

bool verdicts::may_quarantine(const engine_record& engine) const {
  return std::all_of(engine.models.begin(), engine.models.end(), [&](const auto& model) {
    std::size_t serving = 0, quarantined = 0, others = 0;
    for (const auto& [name, other] : engines_) {
      if (other.verdict != "up" ||
          std::find(other.models.begin(), other.models.end(), model) == other.models.end())
        continue;
      ++serving;
      if (other.quarantined_until) ++quarantined;
      if (&other != &engine && other.now.percent > 0) ++others;
    }
    const auto most = std::max<std::size_t>(1, serving * options_.quarantined_percent / 100);
    return others > 0 && quarantined < most;
  });
}

/// Looks at what gateways reported of an engine.
void verdicts::weigh(engine_record& engine, steady_time now) {
  if (!engine.incarnation || engine.verdict != "up") return;
  if (engine.quarantined_until && now >= *engine.quarantined_until) {
    engine.quarantined_until.reset();
    engine.released = now;
    engine.probation.emplace(options_.step, now);
  }
  if (engine.quarantined_until) return;
  if (std::exchange(engine.has_evidence, false))
    if (const auto why = outliers_.outlier(engine.incarnation, now); why && may_quarantine(engine))
      return quarantine(engine, *why, now);
  if (!engine.probation) return;
  engine.probation->turn(outliers_.doubtful(engine.incarnation, now), now);
  if (engine.probation->over()) engine.probation.reset();
}

void verdicts::quarantine(engine_record& engine, const std::string& why, steady_time now) {
  if (engine.streak > 0 && now - engine.released >= options_.streak_over) engine.streak = 0;
  engine.streak = std::min(engine.streak + 1, options_.longest_streak);
  engine.quarantined_until = now + engine.streak * options_.quarantine;
  engine.probation.reset();
  engine.outlier_reason = why;
  outliers_.forget(engine.incarnation);
}

standing verdicts::judge(const engine_record& engine, steady_time now) const {
  if (engine.verdict != "up") return {engine.verdict, engine.reason, 0};
  if (silence_.of(engine.node, now) != hearing::heard)
    return {"suspect", "its node's snapshots stopped", 0};
  if (engine.quarantined_until) return {"quarantined", engine.outlier_reason, 0};
  if (!engine.probation) return {};
  const std::string after = engine.outlier_reason.empty() ? "it was started again: " + engine.reason
                                                          : engine.outlier_reason;
  return {"probation", after, engine.probation->percent()};
}

void verdicts::settle(engine_record& engine, steady_time now) {
  auto judged = judge(engine, now);
  if (judged == engine.now) return;
  const bool other = judged.verdict != engine.now.verdict;
  engine.now = std::move(judged);
  changes_.push_back({engine.name, other, engine.now});
}

const standing& verdicts::of(const std::string& engine) const {
  static const standing unknown;
  const auto found = engines_.find(engine);
  return found == engines_.end() ? unknown : found->second.now;
}

standing verdicts::of_node(const std::string& node, steady_time now) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return {};
  if (!found->second.ended.empty()) return {"dead", found->second.ended, 0};
  const auto heard = silence_.of(node, now);
  const auto silence = "nothing was heard of it for " + in_ms(silence_.silence(node, now));
  if (heard == hearing::dead) return {"dead", silence, 0};
  if (heard == hearing::suspect)
    return {"suspect",
            is_vouched_for(node, now) ? silence + ", but gateways get replies of it" : silence, 0};
  const auto& engines = found->second.engines;
  const bool draining = std::all_of(engines.begin(), engines.end(), [&](const auto& each) {
    return of(each).verdict == "draining";
  });
  return draining && !engines.empty() ? standing{"draining", "", 0} : standing{};
}

std::vector<verdicts::change> verdicts::take_changes() { return std::exchange(changes_, {}); }

}  // namespace coppice::scheduler
