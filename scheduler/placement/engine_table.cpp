#include "scheduler/placement/engine_table.hpp"

#include <algorithm>

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
          std::vector<proto::engine_down>& downs) {
  if (engine.incarnation) downs.push_back({engine.name, engine.incarnation, reason, {}});
  engine.incarnation = {};
  engine.verdict = "dead";
  engine.last_reason = reason;
}

const proto::model_load* load_of(const proto::engine_state& engine, const proto::model_card& card) {
  for (const auto& load : engine.loads)
    if (load.model == card.name && load.version == card.version) return &load;
  return nullptr;
}

}  // namespace

engine_table::change engine_table::finish(change so_far) {
  auto current = catalogue().models;
  so_far.catalogue_changed = current != catalogue_;
  catalogue_ = std::move(current);
  return so_far;
}

engine_table::change engine_table::take(const proto::node_snapshot& snapshot, steady_time now) {
  change result;
  auto& entry = nodes_[snapshot.node];
  const bool same_process = entry.snapshot.incarnation == snapshot.incarnation;
  if (same_process && !entry.lost && snapshot.seq <= entry.snapshot.seq) return result;
  for (auto& engine : entry.snapshot.engines)
    if (engine.incarnation && !has_incarnation(snapshot.engines, engine.incarnation))
      down(engine, same_process ? "replaced by a new incarnation" : "its worker process restarted",
           result.downs);
  entry = {snapshot, now, false};
  return finish(std::move(result));
}

engine_table::change engine_table::node_lost(const std::string& node, const std::string& reason) {
  change result;
  const auto entry = nodes_.find(node);
  if (entry == nodes_.end() || entry->second.lost) return result;
  entry->second.lost = true;
  for (auto& engine : entry->second.snapshot.engines) down(engine, reason, result.downs);
  return finish(std::move(result));
}

engine_table::change engine_table::engine_down(const proto::engine_down& told) {
  change result;
  for (auto& [name, entry] : nodes_)
    for (auto& engine : entry.snapshot.engines)
      if (engine.incarnation == told.incarnation) {
        down(engine, told.reason, result.downs);
        result.downs.back().suspects = told.suspects;
      }
  return finish(std::move(result));
}

std::vector<std::string> engine_table::silent(duration silence, steady_time now) const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : nodes_)
    if (!entry.lost && now - entry.heard >= silence) names.push_back(name);
  return names;
}

std::vector<engine_table::candidate> engine_table::serving(const std::string& model,
                                                           std::uint32_t version) const {
  std::vector<candidate> found;
  std::uint32_t highest = version;
  for (const auto& [name, entry] : nodes_)
    for (const auto& engine : entry.snapshot.engines) {
      if (!takes_work(engine)) continue;
      for (const auto& card : engine.models) {
        if (card.name != model || (version != 0 && card.version != version)) continue;
        highest = std::max(highest, card.version);
        found.push_back({&engine, &card, load_of(engine, card)});
      }
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
  return all;
}

std::vector<proto::node_snapshot> engine_table::nodes() const {
  std::vector<proto::node_snapshot> all;
  for (const auto& [name, entry] : nodes_) all.push_back(entry.snapshot);
  return all;
}

}  // namespace coppice::scheduler
