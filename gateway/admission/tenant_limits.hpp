#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace coppice::gateway {

/// What a tenant may use of one gateway. The defaults bound everybody and are above what one
/// gateway can carry or its engines can compute, except `open_bytes`: half of what a gateway holds
/// by default, so that two tenants always fit.
struct tenant_limits {
  /// Share of a full queue against other tenants of the same class, 1 to 1,000.
  std::uint32_t weight = 1;
  /// Requests that are let in.
  std::uint64_t requests_per_s = 1'000'000;
  std::uint64_t requests_burst = 1'000'000;
  /// Bytes of headers and frames of requests, and of the tokens that streams may grow to.
  std::uint64_t bytes_per_s = 16'000'000'000;
  std::uint64_t bytes_burst = 4'000'000'000;
  /// Requests without an outcome yet, and their bytes.
  std::size_t open_requests = 100'000;
  std::size_t open_bytes = std::size_t{512} << 20;
  /// Time of engines, charged after a reply: a batch's time is shared by its rows. 1,000 a second
  /// is one engine that is always busy.
  std::uint64_t compute_ms_per_s = 1'000'000;
  std::uint64_t compute_burst_ms = 1'000'000;

  friend bool operator==(const tenant_limits&, const tenant_limits&) = default;
};

/// The limits of each tenant.
struct tenant_table {
  /// Of those that are not named.
  tenant_limits otherwise;
  std::map<std::string, tenant_limits, std::less<>> named;

  [[nodiscard]] const tenant_limits& of(std::string_view tenant) const {
    const auto found = named.find(tenant);
    return found == named.end() ? otherwise : found->second;
  }
};

/// The tenant of whoever has not said who they are.
inline constexpr std::string_view anonymous = "anonymous";

}  // namespace coppice::gateway
