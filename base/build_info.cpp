#include "base/build_info.hpp"

#include <fmt/format.h>

#include <coppice_revision.hpp>

namespace coppice {

std::string build_text(std::string_view program) {
  return fmt::format(
      "{} {}\n"
      "revision  {}\n"
      "build     {}, g++ {}.{}, {}\n"
      "with      {}",
      program, COPPICE_VERSION, COPPICE_REVISION, COPPICE_BUILD_TYPE, __GNUC__, __GNUC_MINOR__,
      COPPICE_MACHINE, COPPICE_PARTS);
}

}  // namespace coppice
