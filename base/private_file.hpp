#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string_view>
#include <sys/types.h>

namespace coppice {

/// Whether a file of that mode and group is for its owner alone, as `check_private` has it.
[[nodiscard]] bool is_private(mode_t mode, gid_t group) noexcept;

/// Whether a file with a secret is readable to its owner alone. The group root may read it too: so
/// it stands where systemd puts credentials, with an access list for the unit's user.
/// @param what  "these passwords". @error `invalid` with the remedy.
[[nodiscard]] expected<void> check_private(const std::filesystem::path& file, const char* what);

/// Makes a file of a key, for good. @error `invalid` if there is one: a key is never overwritten;
/// `unavailable` with the system's reason.
[[nodiscard]] expected<void> write_key_file(const std::filesystem::path& file,
                                            std::string_view text, mode_t mode);

}  // namespace coppice
