#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>

namespace coppice {

/// Replaces `file` by `text` in one step: readers see the old text or the new, never a part.
/// @error `unavailable` with the system's reason.
expected<void> write_atomically(const std::filesystem::path& file, const std::string& text);

}  // namespace coppice
