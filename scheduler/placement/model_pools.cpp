#include "scheduler/placement/model_pools.hpp"

#include <algorithm>

namespace coppice::scheduler {

namespace {

/// Each model's link towards the first model of its pool, which is linked to itself.
using links = std::map<std::string, std::string>;

const std::string& first_of(const links& all, const std::string& model) {
  const auto* at = &model;
  while (all.at(*at) != *at) at = &all.at(*at);
  return *at;
}

void join(links& all, const std::string& a, const std::string& b) {
  const auto one = first_of(all, a), other = first_of(all, b);
  all[std::max(one, other)] = std::min(one, other);
}

}  // namespace

std::vector<proto::model_pool> model_pools(
    const std::map<std::string, std::vector<std::string>>& served) {
  links all;
  for (const auto& [engine, models] : served)
    for (const auto& model : models) {
      all.try_emplace(model, model);
      join(all, models.front(), model);
    }
  std::map<std::string, proto::model_pool> pools;
  for (const auto& [model, link] : all) pools[first_of(all, model)].models.push_back(model);
  std::vector<proto::model_pool> sorted;
  for (auto& [first, pool] : pools) sorted.push_back(std::move(pool));
  return sorted;
}

}  // namespace coppice::scheduler
