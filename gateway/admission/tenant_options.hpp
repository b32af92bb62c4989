#pragma once

#include "base/config_file.hpp"
#include "gateway/access/access_table.hpp"

namespace coppice::gateway {

/// Reads the map `{default: {...}, NAME: {...}}`. What a tenant leaves out is taken from `default`,
/// and what that leaves out from `tenant_limits`; a burst from one second of its rate.
/// @error `invalid`, as "file:line: problem. remedy."
[[nodiscard]] expected<tenant_table> read_tenants(config_map tenants);

/// Reads the map `{NAME: {...}}` of quotas, which keys may name. What one leaves out is taken from
/// `otherwise`. @error as above.
[[nodiscard]] expected<quota_table> read_quotas(config_map quotas, const tenant_limits& otherwise);

}  // namespace coppice::gateway
