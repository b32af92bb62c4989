#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>

namespace coppice {

/// Replaces `file` by `text` in one step that outlasts a power cut once this has returned: readers
/// see the old text or the new, never a part. It waits for the disk.
/// @error `unavailable` with the system's reason; `file` is then what it was.
expected<void> write_durably(const std::filesystem::path& file, const std::string& text);

}  // namespace coppice
