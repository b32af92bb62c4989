#include "worker/node/verified_models.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace coppice::worker {

namespace {

expected<std::vector<trusted_key>> read_keys(const std::vector<std::string>& files) {
  std::vector<trusted_key> keys;
  for (const auto& each : files) {
    auto key = trusted_key::read(each);
    if (!key) return tl::unexpected(key.error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

expected<std::filesystem::path> make_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "coppice-models-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return fail(errc::unavailable, pattern + ": " + std::strerror(errno) + ".");
  // Engines may run as another user.
  std::filesystem::permissions(pattern, std::filesystem::perms{0755});
  return std::filesystem::path{pattern};
}

void link_all(const std::filesystem::path& folder, const std::vector<verified_file>& files) {
  int descriptor = verified_models::first_descriptor;
  for (const auto& each : files) {
    const auto at = folder / each.path;
    std::filesystem::create_directories(at.parent_path());
    std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(descriptor++), at);
  }
}

}  // namespace

expected<verified_models> verified_models::open(const std::filesystem::path& repository,
                                                const std::vector<std::string>& trusted) try {
  const auto keys = read_keys(trusted);
  if (!keys) return tl::unexpected(keys.error());
  auto files = open_signed_folder(repository, *keys);
  if (!files) return tl::unexpected(files.error());
  if (files->size() > most_files)
    return fail(errc::invalid, repository.string() + ": " + std::to_string(files->size()) +
                                   " files; a signed repository may have " +
                                   std::to_string(most_files) + ".");
  auto folder = make_folder();
  if (!folder) return tl::unexpected(folder.error());
  verified_models made;
  made.folder_ = std::move(*folder);
  made.files_ = std::move(*files);
  link_all(made.folder_, made.files_);
  return made;
} catch (const std::filesystem::filesystem_error& failure) {
  return fail(errc::unavailable, std::string{failure.what()} + ".");
}

verified_models::verified_models(verified_models&& other) noexcept
    : folder_{std::exchange(other.folder_, {})}, files_{std::move(other.files_)} {}

expected<void> verified_models::check_unchanged() const {
  for (const auto& each : files_)
    if (!each.is_unchanged())
      return fail(errc::forbidden, "'" + each.path +
                                       "' of the model repository was changed after it was "
                                       "verified. Restart the worker with what was signed");
  return {};
}

verified_models::~verified_models() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace coppice::worker
