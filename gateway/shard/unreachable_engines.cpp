#include "gateway/shard/unreachable_engines.hpp"

namespace coppice::gateway {

void unreachable_engines::add(const engine_link& lost, steady_time now) {
  engines_.try_emplace(lost.incarnation, silent_engine{lost, now, now});
}

void unreachable_engines::forget_address(const std::string& endpoint, incarnation_id of) {
  std::erase_if(engines_, [&](const auto& each) {
    return each.second.link.endpoint == endpoint && each.first != of;
  });
}

std::vector<engine_link> unreachable_engines::due(steady_time now) {
  std::erase_if(engines_,
                [&](const auto& each) { return now - each.second.since >= forgotten_after; });
  std::vector<engine_link> calls;
  for (auto& [incarnation, each] : engines_) {
    if (now - each.called < call_every) continue;
    each.called = now;
    calls.push_back(each.link);
  }
  return calls;
}

std::vector<incarnation_id> unreachable_engines::list(std::size_t most) const {
  std::vector<incarnation_id> out;
  for (const auto& [incarnation, each] : engines_)
    if (out.size() < most) out.push_back(incarnation);
  return out;
}

}  // namespace coppice::gateway
