#include "base/private_file.hpp"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

namespace coppice {

expected<void> check_private(const std::filesystem::path& file, const char* what) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0)
    return fail(errc::invalid, file.string() + ": " + std::strerror(errno) + ".");
  const auto open_to = found.st_gid == 0 ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG;
  if ((found.st_mode & open_to) == 0) return {};
  return fail(errc::invalid, file.string() + ": others than its owner may read " + what +
                                 ". Run 'chmod 600 " + file.string() + "'.");
}

}  // namespace coppice
