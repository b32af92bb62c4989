#include "gateway/shard/name_hash.hpp"

#include <xxhash.h>

namespace coppice::gateway {

name_hash name_hasher::operator()(std::string_view tenant, std::string_view name) const noexcept {
  const auto of_tenant = XXH3_64bits_withSeed(tenant.data(), tenant.size(), seed_);
  const auto hash = XXH3_128bits_withSeed(name.data(), name.size(), of_tenant);
  return {hash.high64, hash.low64};
}

}  // namespace coppice::gateway
