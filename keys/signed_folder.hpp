#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "keys/signing_key.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// A file of a signed folder: its path in it, its size in bytes and its SHA-256 in hex.
struct listed_file {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;

  friend bool operator==(const listed_file&, const listed_file&) = default;
};

/// What a folder holds, as text that is signed: `manifest.json` beside its files, and
/// `manifest.sig`, an Ed25519 signature of its bytes.
class folder_manifest {
 public:
  static constexpr std::size_t most_files = 10'000, most_bytes = 4u << 20;

  /// Lists every regular file but the manifest itself. @error `invalid`: a file cannot be read, a
  /// link or another thing that is no regular file, or too many of them.
  static expected<folder_manifest> of(const std::filesystem::path& folder);
  /// Total. Paths that would leave the folder, and digests that are none, are refused.
  /// @error `invalid`.
  static expected<folder_manifest> parse(std::string_view text);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] const std::vector<listed_file>& files() const noexcept { return files_; }

 private:
  std::vector<listed_file> files_;
};

/// Lists the folder's files and signs the list. @error as `folder_manifest::of`, or `unavailable`
/// with the system's reason.
expected<folder_manifest> sign_folder(const std::filesystem::path& folder, const signing_key& key);

/// A file that was found to be what the manifest says, and stays open: whatever becomes of its
/// path.
struct verified_file {
  std::string path;
  descriptor open;
  /// When its content or its rights were changed last, before it was read; nanoseconds.
  std::int64_t changed_ns = 0;
  /// What the manifest says of it.
  listed_file listed = {};

  /// Whether it still is what was verified. If its times have changed, which only the system can
  /// set (also when the file only lost its name), it is read again.
  [[nodiscard]] bool is_unchanged() const;
};

/// Opens every file of the folder that its manifest lists, reads it through that descriptor and
/// compares. What is not listed is not looked at.
/// @error `forbidden`: no manifest, a signature of none of `trusted`, a file that is missing,
/// larger, or altered; it names the file and the remedy.
expected<std::vector<verified_file>> open_signed_folder(const std::filesystem::path& folder,
                                                        std::span<const trusted_key> trusted);

}  // namespace coppice
