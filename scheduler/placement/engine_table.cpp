#include "scheduler/placement/engine_table.hpp"

#include "proto/messages/engine_name.hpp"
#include "scheduler/placement/model_pools.hpp"

#include <algorithm>
#include <utility>

namespace coppice::scheduler {

namespace {

bool takes_work(const proto::engine_state& engine) {
  return engine.verdict == "up" && engine.incarnation;
}

bool has_incarnation(const std::vector<proto::engine_state>& engines, incarnation_id id) {
  return std::any_of(engines.begin(), engines.end(),
                     [&](const auto& engine) { return engine.incarnation == id; });
}

void down(proto::engine_state& engine, const std::string& reason,
          std::vector<proto::engine_down>& downs, const std::string& cause = "lost") {
  if (engine.incarnation) downs.push_back({engine.name, engine.incarnation, reason, {}, cause});
  engine.incarnation = {};
  engine.verdict = "dead";
  engine.last_reason = reason;
}

const proto::model_load* load_of(const proto::engine_state& engine, const proto::model_card& card) {
  for (const auto& load : engine.loads)
    if (load.model == card.name && load.version == card.version) return &load;
  return nullptr;
}

/// Whether both serve the same: then neither catalogue nor pools can have changed.
bool alike(const proto::node_snapshot& a, const proto::node_snapshot& b) {
  return std::equal(a.engines.begin(), a.engines.end(), b.engines.begin(), b.engines.end(),
                    [](const auto& one, const auto& other) {
                      return one.name == other.name && one.verdict == other.verdict &&
                             one.incarnation == other.incarnation && one.models == other.models;
                    });
}

}  // namespace

void engine_table::index() {
  serving_.clear();
  draining_.clear();
  for (const auto& [name, entry] : nodes_)
    for (std::size_t e = 0; e < entry.snapshot.engines.size(); ++e) {
      const auto& engine = entry.snapshot.engines[e];
      if (engine.incarnation && engine.verdict == "draining")
        draining_.push_back(engine.incarnation);
      if (!takes_work(engine)) continue;
      for (std::size_t c = 0; c < engine.models.size(); ++c)
        serving_[engine.models[c].name].push_back({&entry, e, c});
    }
  std::sort(draining_.begin(), draining_.end());
}

engine_table::change engine_table::finish(change so_far) {
  index();
  auto current = catalogue();
  so_far.catalogue_changed =
      current.models != catalogue_.models || current.pools != catalogue_.pools;
  catalogue_ = std::move(current);
  return so_far;
}

engine_table::change engine_table::take(const proto::node_snapshot& snapshot, steady_time now) {
  change result;
  auto& entry = nodes_[snapshot.node];
  const bool same_process = entry.snapshot.incarnation == snapshot.incarnation;
  if (same_process && !entry.lost && snapshot.seq <= entry.snapshot.seq) return result;
  result.taken = true;
  for (auto& engine : entry.snapshot.engines)
    if (engine.incarnation && !has_incarnation(snapshot.engines, engine.incarnation))
      down(engine, same_process ? "replaced by a new incarnation" : "its worker process restarted",
           result.downs);
  const bool nothing_new = !entry.lost && alike(entry.snapshot, snapshot);
  const auto before = std::exchange(entry, {snapshot, now, false});
  if (nothing_new) return result;
  for (const auto& engine : before.snapshot.engines)
    if (std::none_of(snapshot.engines.begin(), snapshot.engines.end(),
                     [&](const auto& each) { return each.name == engine.name; }))
      forget_engine(engine.name);
  remember_models(snapshot);
  return finish(std::move(result));
}

void engine_table::remember_models(const proto::node_snapshot& snapshot) {
  for (const auto& engine : snapshot.engines) {
    if (engine.models.empty()) continue;
    auto& names = served_[engine.name];
    names.clear();
    for (const auto& card : engine.models) names.push_back(card.name);
  }
}

void engine_table::forget_engine(const std::string& engine) {
  served_.erase(engine);
  standings_.erase(engine);
}

void engine_table::judge(const std::string& engine, const standing& now) {
  if (now == standing{})
    standings_.erase(engine);
  else
    standings_[engine] = now;
}

engine_table::change engine_table::node_lost(const std::string& node, const std::string& reason,
                                             const std::string& cause) {
  change result;
  const auto entry = nodes_.find(node);
  if (entry == nodes_.end() || entry->second.lost) return result;
  entry->second.lost = true;
  for (auto& engine : entry->second.snapshot.engines) down(engine, reason, result.downs, cause);
  return finish(std::move(result));
}

engine_table::change engine_table::engine_down(const proto::engine_down& told) {
  change result;
  for (auto& [name, entry] : nodes_)
    for (auto& engine : entry.snapshot.engines)
      if (engine.incarnation == told.incarnation) {
        down(engine, told.reason, result.downs);
        result.downs.back().suspects = told.suspects;
        result.downs.back().cause = told.cause;
      }
  return finish(std::move(result));
}

std::vector<std::string> engine_table::forget_lost(duration long_ago, steady_time now) {
  std::vector<std::string> forgotten;
  for (const auto& [name, entry] : nodes_)
    if (entry.lost && now - entry.heard >= long_ago) forgotten.push_back(name);
  for (const auto& name : forgotten) {
    for (const auto& engine : nodes_[name].snapshot.engines) forget_engine(engine.name);
    nodes_.erase(name);
  }
  if (!forgotten.empty()) (void)finish({});
  return forgotten;
}

/// The share of its rows that an engine's standing leaves it.
std::uint32_t engine_table::percent_of(const std::string& engine) const {
  const auto judged = standings_.find(engine);
  return judged == standings_.end() ? 100 : judged->second.percent;
}

std::vector<engine_table::candidate> engine_table::serving(const std::string& model,
                                                           std::uint32_t version) const {
  std::vector<candidate> found;
  const auto served = serving_.find(model);
  if (served == serving_.end()) return found;
  std::uint32_t highest = version;
  for (const auto& each : served->second) {
    const auto& engine = each.node->snapshot.engines[each.engine];
    const auto& card = engine.models[each.card];
    const auto percent = percent_of(engine.name);
    if (percent == 0 || (version != 0 && card.version != version)) continue;
    highest = std::max(highest, card.version);
    found.push_back({&engine, &card, load_of(engine, card), percent});
  }
  std::erase_if(found, [&](const candidate& each) { return each.card->version != highest; });
  return found;
}

proto::catalogue engine_table::catalogue() const {
  proto::catalogue all;
  for (const auto& [name, entry] : nodes_)
    for (const auto& engine : entry.snapshot.engines)
      if (takes_work(engine))
        all.models.insert(all.models.end(), engine.models.begin(), engine.models.end());
  const auto key = [](const proto::model_card& card) { return std::pair{card.name, card.version}; };
  std::sort(all.models.begin(), all.models.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto last = std::unique(all.models.begin(), all.models.end(),
                                [&](const auto& a, const auto& b) { return key(a) == key(b); });
  all.models.erase(last, all.models.end());
  all.pools = model_pools(served_);
  return all;
}

std::vector<engine_table::place> engine_table::targeted(const std::string& target) const {
  std::vector<place> found;
  const auto wanted = proto::place_of(target);
  for (const auto& [name, entry] : nodes_)
    for (const auto& engine : entry.snapshot.engines)
      if (name == target || proto::place_of(engine.name) == wanted)
        found.push_back({&engine, entry.lost});
  return found;
}

std::vector<proto::node_snapshot> engine_table::nodes() const {
  std::vector<proto::node_snapshot> all;
  for (const auto& [name, entry] : nodes_) {
    all.push_back(entry.snapshot);
    for (auto& engine : all.back().engines) {
      const auto judged = standings_.find(engine.name);
      if (judged == standings_.end()) continue;
      engine.verdict = judged->second.verdict;
      engine.verdict_reason = judged->second.reason;
      engine.capacity_percent = judged->second.percent;
    }
  }
  return all;
}

}  // namespace coppice::scheduler
