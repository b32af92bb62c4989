#include "base/durable_file.hpp"

#include "base/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>

namespace coppice {

namespace {

tl::unexpected<error> system_failure(const std::filesystem::path& file) {
  return fail(errc::unavailable, file.string() + ": " + std::strerror(errno) + ".");
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// The new name is in the folder for good.
bool sync_folder_of(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  const descriptor open{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return open && ::fsync(open.get()) == 0;
}

}  // namespace

expected<void> write_durably(const std::filesystem::path& file, const std::string& text) {
  const auto beside = file.string() + "." + std::to_string(::getpid());
  descriptor open{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  const bool written = open && write_all(open.get(), text) && ::fsync(open.get()) == 0;
  if (!written || ::rename(beside.c_str(), file.c_str()) != 0) {
    auto failure = system_failure(file);
    ::unlink(beside.c_str());
    return failure;
  }
  if (!sync_folder_of(file)) return system_failure(file);
  return {};
}

}  // namespace coppice
