#include "gateway/shard/engine_routes.hpp"

namespace coppice::gateway {

/// 'E' and eight bytes: a routing id must not start with a zero byte.
const std::string& engine_routes::open(incarnation_id incarnation) {
  std::string id{'E'};
  const auto number = ++opened_;
  for (int shift = 56; shift >= 0; shift -= 8) id += static_cast<char>(number >> shift);
  return ids_[incarnation] = std::move(id);
}

const std::string* engine_routes::find(incarnation_id incarnation) const {
  const auto found = ids_.find(incarnation);
  return found == ids_.end() ? nullptr : &found->second;
}

}  // namespace coppice::gateway
