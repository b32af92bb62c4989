#include "gateway/admission/tenant_options.hpp"

#include "base/token_bucket.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

constexpr std::uint64_t most = token_bucket::max_tokens;
constexpr std::uint64_t most_per_second = 1'000'000'000'000;

/// One whole number of at least 1.
template <class T>
void read(config_map& map, const std::string& key, T& out, std::uint64_t largest) {
  std::uint64_t value = out;
  map.optional(key, value, "a whole number");
  if (map.has(key) && (value < 1 || value > largest))
    map.reject(key, "'" + key + "' must be 1 to " + std::to_string(largest));
  out = static_cast<T>(value);
}

/// A rate, and its burst: a second of the rate if only that is given.
void read_rate(config_map& map, const char* rate_key, std::uint64_t& rate, const char* burst_key,
               std::uint64_t& burst, std::uint64_t largest_burst) {
  read(map, rate_key, rate, most_per_second);
  if (map.has(rate_key)) burst = std::min(rate, largest_burst);
  read(map, burst_key, burst, largest_burst);
}

expected<tenant_limits> read_limits(config_map map, tenant_limits limits) {
  read(map, "weight", limits.weight, 1000);
  read_rate(map, "requests_per_s", limits.requests_per_s, "requests_burst", limits.requests_burst,
            most);
  read_rate(map, "bytes_per_s", limits.bytes_per_s, "bytes_burst", limits.bytes_burst, most);
  read_rate(map, "compute_ms_per_s", limits.compute_ms_per_s, "compute_burst_ms",
            limits.compute_burst_ms, most / 1000);
  read(map, "open_requests", limits.open_requests, most_per_second);
  read(map, "open_bytes", limits.open_bytes, most_per_second);
  if (auto done = map.finish(); !done) return tl::unexpected(done.error());
  return limits;
}

}  // namespace

expected<quota_table> read_quotas(config_map quotas, const tenant_limits& otherwise) {
  quota_table table;
  for (const auto& name : quotas.keys()) {
    if (!is_account_name(name))
      quotas.reject(name, "a quota's name has 1 to 64 letters, digits, '.', '_' and '-'");
    const auto own = read_limits(quotas.section(name), otherwise);
    if (!own) return tl::unexpected(own.error());
    table[name] = *own;
  }
  if (auto done = quotas.finish(); !done) return tl::unexpected(done.error());
  return table;
}

expected<tenant_table> read_tenants(config_map tenants) {
  tenant_table table;
  const auto usual = read_limits(tenants.section("default"), table.otherwise);
  if (!usual) return tl::unexpected(usual.error());
  table.otherwise = *usual;
  for (const auto& name : tenants.keys()) {
    if (name == "default") continue;
    if (!is_account_name(name))
      tenants.reject(name, "a tenant's name has 1 to 64 letters, digits, '.', '_' and '-'");
    const auto own = read_limits(tenants.section(name), table.otherwise);
    if (!own) return tl::unexpected(own.error());
    table.named[name] = *own;
  }
  if (auto done = tenants.finish(); !done) return tl::unexpected(done.error());
  return table;
}

}  // namespace coppice::gateway
