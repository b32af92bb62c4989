#pragma once

#include <cstdint>
#include <string_view>

namespace coppice::gateway {

/// 128-bit hash of a tenant's key or session. What is stored is the hash, never the name.
struct name_hash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const name_hash&, const name_hash&) = default;
};

/// Hashes names of clients with XXH3 and a secret seed, so that nobody outside can construct two
/// names that collide. Equal names of two tenants are different.
class name_hasher {
 public:
  /// @param seed  random, drawn once a process.
  explicit name_hasher(std::uint64_t seed) noexcept : seed_{seed} {}
  [[nodiscard]] name_hash operator()(std::string_view tenant, std::string_view name) const noexcept;

 private:
  std::uint64_t seed_;
};

}  // namespace coppice::gateway
