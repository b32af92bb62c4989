#pragma once

#include <string>
#include <string_view>

namespace coppice {

/// MAJOR.MINOR.PATCH.
[[nodiscard]] std::string_view build_version() noexcept;

/// What `--version` prints: the program with its version; the revision of its source ("+" at the
/// end: changed since); the build's type, compiler and machine; the optional parts of the build.
[[nodiscard]] std::string build_text(std::string_view program);

}  // namespace coppice
