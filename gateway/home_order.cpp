#include "gateway/home_order.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace coppice::gateway {

namespace {

std::uint64_t weight(std::string_view key, const std::string& scheduler) {
  return XXH3_64bits_withSeed(scheduler.data(), scheduler.size(),
                              XXH3_64bits(key.data(), key.size()));
}

}  // namespace

std::vector<std::string> home_order(std::string_view key, std::vector<std::string> schedulers) {
  const auto rank = [&](const std::string& each) { return std::pair{weight(key, each), each}; };
  std::sort(schedulers.begin(), schedulers.end(),
            [&](const auto& a, const auto& b) { return rank(a) > rank(b); });
  return schedulers;
}

}  // namespace coppice::gateway
