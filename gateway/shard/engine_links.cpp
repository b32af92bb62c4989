#include "gateway/shard/engine_links.hpp"

#include <algorithm>

namespace coppice::gateway {

const engine_link* engine_links::open(const proto::grant& grant, steady_time now) {
  const auto [entry, fresh] = links_.try_emplace(grant.incarnation);
  if (!fresh) {
    entry->second.doubted = false;
    return nullptr;
  }
  entry->second = {grant.incarnation, grant.engine, grant.endpoint, grant.link_key, now, now};
  return &entry->second;
}

engine_link* engine_links::find(incarnation_id incarnation) noexcept {
  const auto found = links_.find(incarnation);
  return found == links_.end() ? nullptr : &found->second;
}

engine_link* engine_links::find_endpoint(const std::string& endpoint) noexcept {
  for (auto& [incarnation, link] : links_)
    if (link.endpoint == endpoint) return &link;
  return nullptr;
}

std::vector<incarnation_id> engine_links::beside(std::string_view engine) const {
  const auto node_of = [](std::string_view name) { return name.substr(0, name.find('/')); };
  std::vector<incarnation_id> found;
  for (const auto& [incarnation, link] : links_)
    if (node_of(link.engine) == node_of(engine)) found.push_back(incarnation);
  return found;
}

std::vector<const engine_link*> engine_links::due_for_ping(duration every, steady_time now) {
  std::vector<const engine_link*> due;
  for (auto& [incarnation, link] : links_)
    if (now - link.pinged >= (link.doubted ? std::min(every, doubted_ping) : every))
      link.pinged = now, due.push_back(&link);
  return due;
}

std::vector<engine_link> engine_links::lost(duration grace, duration silence,
                                            steady_time now) const {
  std::vector<engine_link> gone;
  for (const auto& [incarnation, link] : links_) {
    const bool dropped = link.reset != steady_time::max() && now - link.reset >= grace;
    const auto limit = link.doubted ? std::min(silence, doubted_silence) : silence;
    if (dropped || now - link.heard >= limit) gone.push_back(link);
  }
  return gone;
}

}  // namespace coppice::gateway
