#include "base/build_info.hpp"

#include <fmt/format.h>

#include <coppice_revision.hpp>

namespace coppice {

std::string_view build_version() noexcept { return COPPICE_VERSION; }

std::string build_text(std::string_view program) {
  return fmt::format(
      "{} {}\n"
      "revision  {}\n"
      "build     {}, g++ {}.{}, {}\n"
      "with      {}",
      program, build_version(), COPPICE_REVISION, COPPICE_BUILD_TYPE, __GNUC__, __GNUC_MINOR__,
      COPPICE_MACHINE, COPPICE_PARTS);
}

}  // namespace coppice
