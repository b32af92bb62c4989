#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace coppice {

/// An Ed25519 key that signs (https://www.rfc-editor.org/rfc/rfc8032), in PEM files: the private
/// one for its owner alone, the public one beside it with ".pub" for whoever checks.
class signing_key {
 public:
  static constexpr std::size_t signature_size = 64;

  static signing_key make();
  /// The private key of a file. @error `invalid`: not readable, readable to others, or none.
  static expected<signing_key> read(const std::filesystem::path& file);
  /// Makes `file` (mode 0600) and `file`.pub. @error as `write_key_file`.
  [[nodiscard]] expected<void> write(const std::filesystem::path& file) const;

  /// @returns the signature of those bytes.
  [[nodiscard]] std::string sign(std::string_view bytes) const;

 private:
  friend class trusted_key;
  struct freed {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  using owned_key = std::unique_ptr<evp_pkey_st, freed>;
  explicit signing_key(owned_key key) : key_{std::move(key)} {}

  owned_key key_;
};

/// The public half: what a signature is checked with.
class trusted_key {
 public:
  /// @error `invalid`: not readable, or no Ed25519 public key.
  static expected<trusted_key> read(const std::filesystem::path& file);
  /// Of somebody who signs.
  static trusted_key of(const signing_key& key);

  [[nodiscard]] bool has_signed(std::string_view bytes, std::string_view signature) const;

 private:
  explicit trusted_key(signing_key::owned_key key) : key_{std::move(key)} {}

  signing_key::owned_key key_;
};

}  // namespace coppice
