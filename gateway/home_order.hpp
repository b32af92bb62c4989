#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coppice::gateway {

/// The schedulers in the order in which they answer for `key` (a pool of models, a fingerprint), by
/// rendezvous hash: every gateway finds the same order, and one that is gone only moves what it was
/// first for. `schedulers` may be in any order.
[[nodiscard]] std::vector<std::string> home_order(std::string_view key,
                                                  std::vector<std::string> schedulers);

}  // namespace coppice::gateway
