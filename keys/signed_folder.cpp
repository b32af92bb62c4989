#include "keys/signed_folder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <sys/stat.h>

namespace coppice {

namespace {

using json = nlohmann::ordered_json;

constexpr const char* manifest_name = "manifest.json";
constexpr const char* signature_name = "manifest.sig";
constexpr std::size_t sha256_text = 64;

struct freed {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

tl::unexpected<error> bad(const std::string& what) { return fail(errc::invalid, what); }
tl::unexpected<error> refused(const std::filesystem::path& file, const std::string& why) {
  return fail(errc::forbidden, file.string() + ": " + why);
}

/// Reads the whole file. @returns its size and digest; nothing if it cannot be read, or is larger
/// than `most`.
std::optional<listed_file> digest_of(const descriptor& open, std::uint64_t most) {
  const std::unique_ptr<EVP_MD_CTX, freed> context{EVP_MD_CTX_new()};
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::array<unsigned char, 1 << 16> part{};
  listed_file found;
  for (;;) {
    const auto n = ::pread(open.get(), part.data(), part.size(), static_cast<off_t>(found.size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    found.size += static_cast<std::uint64_t>(n);
    if (found.size > most) return std::nullopt;
    EVP_DigestUpdate(context.get(), part.data(), static_cast<std::size_t>(n));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  found.sha256 = hex(digest.data(), size);
  return found;
}

bool is_as_listed(const descriptor& open, const listed_file& listed) {
  const auto found = open ? digest_of(open, listed.size) : std::nullopt;
  return found && found->size == listed.size && found->sha256 == listed.sha256;
}

/// No link is followed at the end of the path, and only a regular file is taken.
descriptor open_regular(const std::filesystem::path& file) {
  descriptor open{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat found {};
  if (open && (::fstat(open.get(), &found) != 0 || !S_ISREG(found.st_mode))) open.reset();
  return open;
}

std::int64_t changed_at(const descriptor& open) noexcept {
  struct stat found {};
  if (!open || ::fstat(open.get(), &found) != 0) return 0;
  return found.st_ctim.tv_sec * std::int64_t{1'000'000'000} + found.st_ctim.tv_nsec;
}

/// Relative, of plain names: it cannot lead out of its folder.
bool stays_inside(const std::string& path) {
  const std::filesystem::path parts{path};
  if (path.empty() || path.size() > 1024 || parts.is_absolute() ||
      parts.lexically_normal() != parts || path.find("//") != std::string::npos)
    return false;
  return std::ranges::all_of(
      parts, [](const auto& each) { return !each.empty() && each != "." && each != ".."; });
}

bool is_digest(const std::string& text) {
  return text.size() == sha256_text && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

expected<std::string> read_small(const std::filesystem::path& file, std::size_t most) {
  const auto open = open_regular(file);
  std::string text(most + 1, '\0');
  const auto n = open ? ::pread(open.get(), text.data(), text.size(), 0) : -1;
  if (n < 0 || static_cast<std::size_t>(n) > most)
    return refused(file, "no manifest of a signed folder. Sign it with 'coppice sign folder'.");
  text.resize(static_cast<std::size_t>(n));
  return text;
}

expected<folder_manifest> read_signed(const std::filesystem::path& folder,
                                      std::span<const trusted_key> trusted) {
  const auto text = read_small(folder / manifest_name, folder_manifest::most_bytes);
  if (!text) return tl::unexpected(text.error());
  const auto signature = read_small(folder / signature_name, signing_key::signature_size);
  if (!signature) return tl::unexpected(signature.error());
  if (std::ranges::none_of(trusted,
                           [&](const auto& key) { return key.has_signed(*text, *signature); }))
    return refused(folder / signature_name,
                   "nobody who is trusted has signed this. Sign it with the right key, or trust "
                   "its key.");
  return folder_manifest::parse(*text);
}

expected<void> write_whole(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  if (out << bytes << std::flush) return {};
  return fail(errc::unavailable, file.string() + ": " + std::strerror(errno) + ".");
}

}  // namespace

bool verified_file::is_unchanged() const {
  return changed_at(open) == changed_ns || is_as_listed(open, listed);
}

expected<folder_manifest> folder_manifest::of(const std::filesystem::path& folder) try {
  folder_manifest made;
  for (const auto& each : std::filesystem::recursive_directory_iterator{folder}) {
    const auto path = each.path().lexically_relative(folder).generic_string();
    if (each.is_directory() && !each.is_symlink()) continue;
    if (path == manifest_name || path == signature_name) continue;
    const auto found = digest_of(open_regular(each.path()), UINT64_MAX);
    if (!found) return bad(each.path().string() + ": cannot be read as a regular file.");
    if (made.files_.size() == most_files)
      return bad(folder.string() + ": more than " + std::to_string(most_files) + " files.");
    made.files_.push_back({path, found->size, found->sha256});
  }
  std::ranges::sort(made.files_, {}, &listed_file::path);
  return made;
} catch (const std::filesystem::filesystem_error& failure) {
  return bad(std::string{failure.what()} + ".");
}

expected<folder_manifest> folder_manifest::parse(std::string_view text) {
  const auto all = json::parse(text, nullptr, false);
  if (!all.is_object() || !all.contains("files") || !all["files"].is_array() ||
      all["files"].size() > most_files)
    return bad("The manifest is not of this form.");
  folder_manifest made;
  for (const auto& each : all["files"]) {
    if (!each.is_object()) return bad("The manifest is not of this form.");
    listed_file file;
    if (const auto it = each.find("path"); it != each.end() && it->is_string())
      file.path = it->get<std::string>();
    if (const auto it = each.find("sha256"); it != each.end() && it->is_string())
      file.sha256 = it->get<std::string>();
    const auto size = each.find("size");
    if (!stays_inside(file.path) || !is_digest(file.sha256) || size == each.end() ||
        !size->is_number_unsigned())
      return bad("The manifest lists a file that it may not.");
    file.size = size->get<std::uint64_t>();
    made.files_.push_back(std::move(file));
  }
  return made;
}

std::string folder_manifest::text() const {
  json files = json::array();
  for (const auto& each : files_)
    files.push_back({{"path", each.path}, {"size", each.size}, {"sha256", each.sha256}});
  return json{{"files", files}}.dump(1) + "\n";
}

expected<folder_manifest> sign_folder(const std::filesystem::path& folder, const signing_key& key) {
  auto made = folder_manifest::of(folder);
  if (!made) return made;
  const auto text = made->text();
  // Whoever reads between the two finds a signature that does not fit, and refuses.
  for (const auto& [name, bytes] :
       {std::pair{manifest_name, text}, {signature_name, key.sign(text)}})
    if (auto written = write_whole(folder / name, bytes); !written)
      return tl::unexpected(written.error());
  return made;
}

expected<std::vector<verified_file>> open_signed_folder(const std::filesystem::path& folder,
                                                        std::span<const trusted_key> trusted) {
  const auto manifest = read_signed(folder, trusted);
  if (!manifest) return tl::unexpected(manifest.error());
  std::vector<verified_file> files;
  for (const auto& each : manifest->files()) {
    auto open = open_regular(folder / each.path);
    const auto changed = changed_at(open);
    if (!open) return refused(folder / each.path, "it was signed, and is not there.");
    if (!is_as_listed(open, each))
      return refused(
          folder / each.path,
          "it is not what was signed. Put the signed one back, or sign the folder again.");
    files.push_back({each.path, std::move(open), changed, each});
  }
  return files;
}

}  // namespace coppice
