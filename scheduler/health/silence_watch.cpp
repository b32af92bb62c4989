#include "scheduler/health/silence_watch.hpp"

#include <algorithm>

namespace coppice::scheduler {

void silence_watch::heard(const std::string& node, steady_time now) { nodes_[node] = {now}; }

void silence_watch::vouch(const std::string& node, steady_time lived) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end()) found->second.lived = std::max(found->second.lived, lived);
}

bool silence_watch::is_vouched_for(const std::string& node, steady_time now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && !found->second.dead &&
         now - found->second.heard >= limits_.suspect_after &&
         now - found->second.lived < limits_.dead_after;
}

void silence_watch::excuse(duration slept, steady_time now) {
  if (slept <= duration{0}) return;
  for (auto& [name, node] : nodes_)
    if (!node.dead) {
      node.heard = std::min(now, node.heard + slept);
      node.lived = std::min(now, node.lived + slept);
    }
}

bool silence_watch::in_doubt(steady_time fell_silent, steady_time now) const {
  std::size_t present = 0, fell = 0;
  for (const auto& [name, node] : nodes_) {
    if (node.heard + limits_.together < fell_silent) continue;  // gone long before
    ++present;
    if (now - node.heard >= limits_.suspect_after && node.heard <= fell_silent + limits_.together)
      ++fell;
  }
  return present >= limits_.doubt_from && 2 * fell >= present;
}

hearing silence_watch::of(const std::string& node, steady_time now) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return hearing::heard;
  if (found->second.dead) return hearing::dead;
  if (now - found->second.heard < limits_.suspect_after) return hearing::heard;
  const auto without_sign = now - found->second.last_sign();
  if (without_sign < limits_.dead_after) return hearing::suspect;
  if (without_sign >= limits_.dead_in_doubt) return hearing::dead;
  return in_doubt(found->second.heard, now) ? hearing::suspect : hearing::dead;
}

duration silence_watch::silence(const std::string& node, steady_time now) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? duration{0} : now - found->second.heard;
}

std::vector<std::string> silence_watch::turn(steady_time now) {
  std::vector<std::string> died;
  doubts_ = false;
  for (const auto& [name, node] : nodes_) {
    if (node.dead || now - node.heard < limits_.dead_after) continue;
    if (of(name, now) == hearing::dead)
      died.push_back(name);
    else
      doubts_ = true;
  }
  for (const auto& name : died) nodes_[name].dead = true;
  return died;
}

}  // namespace coppice::scheduler
