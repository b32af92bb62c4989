#include "base/private_file.hpp"

#include "base/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace coppice {

bool is_private(mode_t mode, gid_t group) noexcept {
  const auto open_to = group == 0 ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG;
  return (mode & open_to) == 0;
}

expected<void> check_private(const std::filesystem::path& file, const char* what) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0)
    return fail(errc::invalid, file.string() + ": " + std::strerror(errno) + ".");
  if (is_private(found.st_mode, found.st_gid)) return {};
  return fail(errc::invalid, file.string() + ": others than its owner may read " + what +
                                 ". Run 'chmod 600 " + file.string() + "'.");
}

expected<void> write_key_file(const std::filesystem::path& file, std::string_view text,
                              mode_t mode) {
  const descriptor open{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (!open && errno == EEXIST)
    return fail(errc::invalid,
                file.string() + ": there is a file already, and a key is not overwritten.");
  const bool written =
      open && ::write(open.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(open.get()) == 0;
  if (written) return {};
  return fail(errc::unavailable, file.string() + ": " + std::strerror(errno) + ".");
}

}  // namespace coppice
