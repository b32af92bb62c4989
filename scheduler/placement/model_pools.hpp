#pragma once

#include "proto/messages/control.hpp"

#include <map>
#include <string>
#include <vector>

namespace coppice::scheduler {

/// Sorts models into pools: those that one engine serves are in one pool, and so on through the
/// models that engines share. So every model and every engine belongs to one pool.
/// @param served  by engine, the names of the models that it serves.
/// @returns pools in the order of their first model, each sorted.
[[nodiscard]] std::vector<proto::model_pool> model_pools(
    const std::map<std::string, std::vector<std::string>>& served);

}  // namespace coppice::scheduler
