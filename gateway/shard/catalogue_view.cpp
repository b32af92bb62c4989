#include "gateway/shard/catalogue_view.hpp"

namespace coppice::gateway {

namespace {

bool is_meant(const proto::model_card& card, const std::string& model, std::uint32_t version) {
  return card.name == model && (version == 0 || card.version == version);
}

}  // namespace

error nothing_serves(const std::string& model, std::uint32_t retry_after_ms) {
  return {errc::unavailable, "No engine serves '" + model + "' now.", retry_after_ms};
}

void catalogue_view::take(proto::catalogue&& all, steady_time now) {
  now_ = std::move(all);
  known_ = true;
  for (const auto& pool : now_.pools) pooled_.insert(pool.models.begin(), pool.models.end());
  for (const auto& each : now_.models) ever_[{each.name, each.version}] = each;
  if (!first_named_ && !(pooled_.empty() && ever_.empty())) first_named_ = now;
}

const proto::model_card* catalogue_view::served(const std::string& model,
                                                std::uint32_t version) const {
  const proto::model_card* found = nullptr;  // sorted: the last is the newest
  for (const auto& each : now_.models)
    if (is_meant(each, model, version)) found = &each;
  return found;
}

const proto::model_card* catalogue_view::find(const std::string& model,
                                              std::uint32_t version) const {
  const auto* found = served(model, version);
  if (found != nullptr) return found;
  for (const auto& [key, each] : ever_)
    if (is_meant(each, model, version)) found = &each;
  return found;
}

bool catalogue_view::is_awaited(const std::string& model) const {
  return find(model, 0) == nullptr && pooled_.contains(model);
}

std::vector<proto::model_card> catalogue_view::versions(const std::string& model,
                                                        std::uint32_t version) const {
  std::vector<proto::model_card> found;
  for (const auto& each : now_.models)
    if (is_meant(each, model, version)) found.push_back(each);
  if (const auto* before = find(model, version); found.empty() && before != nullptr)
    found.push_back(*before);
  return found;
}

std::vector<proto::model_readiness> catalogue_view::readiness() const {
  std::vector<proto::model_readiness> all;
  for (const auto& each : now_.models) {
    if (all.empty() || all.back().name != each.name) all.push_back({each.name, {}, true});
    all.back().versions.push_back(each.version);
  }
  return all;
}

}  // namespace coppice::gateway
