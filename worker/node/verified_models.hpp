#pragma once

#include "base/error.hpp"
#include "keys/signed_folder.hpp"
#include "worker/engine/inherited_descriptors.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace coppice::worker {

/// The files of a signed model repository, verified once and kept open. An engine gets them as
/// descriptors, and a folder of links to these for a repository: whatever happens to the paths
/// afterwards, it reads what was verified. The folder goes with its object.
class verified_models {
 public:
  /// Descriptors that an engine may get.
  static constexpr std::size_t most_files = 512;
  /// The descriptor that the first of them has in an engine; the others follow.
  static constexpr int first_descriptor = first_model_file;

  /// @param trusted  files of public keys. @error as `open_signed_folder` has it; `invalid` for a
  /// key that cannot be read; `unavailable` if the folder cannot be made.
  static expected<verified_models> open(const std::filesystem::path& repository,
                                        const std::vector<std::string>& trusted);
  verified_models(verified_models&& other) noexcept;
  verified_models& operator=(verified_models&&) = delete;
  ~verified_models();

  /// Before an engine gets them. @error `forbidden`: somebody has written to one of them.
  [[nodiscard]] expected<void> check_unchanged() const;
  /// For an engine's `--models`.
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] const std::vector<verified_file>& files() const noexcept { return files_; }

 private:
  verified_models() = default;

  std::filesystem::path folder_;
  std::vector<verified_file> files_;
};

}  // namespace coppice::worker
