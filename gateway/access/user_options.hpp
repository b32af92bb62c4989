#pragma once

#include "base/config_file.hpp"
#include "gateway/access/users.hpp"

#include <filesystem>

namespace coppice::gateway {

/// Reads the map `{NAME: {password: ..., tenant: ...}}`. A user without `tenant` is its own tenant.
/// @error `invalid`, as "file:line: problem. remedy."
[[nodiscard]] expected<user_table> read_users(config_map users);

/// The same from a file of its own, which nobody but its owner may read.
[[nodiscard]] expected<user_table> read_users(const std::filesystem::path& file);

}  // namespace coppice::gateway
