#pragma once

#include "base/config_file.hpp"
#include "gateway/admission/tenant_limits.hpp"

#include <string_view>

namespace coppice::gateway {

/// Whether it does as the name of a tenant or user: 1 to 64 of letters, digits, '.', '_' and '-'.
[[nodiscard]] bool is_account_name(std::string_view name) noexcept;

/// Reads the map `{default: {...}, NAME: {...}}`. What a tenant leaves out is taken from `default`,
/// and what that leaves out from `tenant_limits`; a burst from one second of its rate.
/// @error `invalid`, as "file:line: problem. remedy."
[[nodiscard]] expected<tenant_table> read_tenants(config_map tenants);

}  // namespace coppice::gateway
