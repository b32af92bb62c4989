#pragma once

#include "base/error.hpp"

#include <filesystem>

namespace coppice {

/// Whether a file with a secret is readable to its owner alone. The group root may read it too: so
/// it stands where systemd puts credentials, with an access list for the unit's user.
/// @param what  "these passwords". @error `invalid` with the remedy.
[[nodiscard]] expected<void> check_private(const std::filesystem::path& file, const char* what);

}  // namespace coppice
