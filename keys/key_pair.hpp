#pragma once

#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// Who somebody is to CURVE (https://rfc.zeromq.org/spec/25/): 32 bytes that anybody may see.
struct public_key {
  static constexpr std::size_t size = 32;
  std::array<std::uint8_t, size> bytes{};

  /// From 40 characters of Z85, as ZeroMQ writes keys. Nothing if it is none.
  [[nodiscard]] static std::optional<public_key> parse(std::string_view text);
  /// From its bytes, as a handshake shows them. Nothing if they are not 32.
  [[nodiscard]] static std::optional<public_key> from_bytes(std::string_view bytes);
  /// Z85.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const public_key&, const public_key&) = default;
  friend auto operator<=>(const public_key&, const public_key&) = default;
};

/// A CURVE key pair. Kept in a file that only its owner may read, in the form of ZeroMQ's
/// certificates, which `zmq.auth.load_certificate` reads too. Never copied into logs or arguments.
class key_pair {
 public:
  /// @error `unavailable` if libzmq was built without CURVE.
  static expected<key_pair> make();
  /// The pair of a secret key in Z85. Nothing if it is none.
  static std::optional<key_pair> of_secret(const std::string& secret);
  /// @error `invalid`: not readable, readable to others than its owner, or no key pair in it.
  static expected<key_pair> read(const std::filesystem::path& file);
  /// Makes the file, with mode 0600. @error `invalid` if there is one: a key is never overwritten.
  [[nodiscard]] expected<void> write(const std::filesystem::path& file) const;

  [[nodiscard]] const public_key& shown() const noexcept { return public_; }
  /// Z85; whoever has it is its owner to everybody.
  [[nodiscard]] const std::string& secret() const noexcept { return secret_; }

 private:
  key_pair(public_key shown, std::string secret) : public_{shown}, secret_{std::move(secret)} {}

  public_key public_;
  std::string secret_;
};

/// A gateway as clients name it: "tcp://host:port", with "?key=" and its public key behind it if it
/// asks for keys.
struct named_endpoint {
  std::string endpoint;
  std::optional<public_key> key;

  /// @error `invalid` if what stands behind "?key=" is no key.
  static expected<named_endpoint> parse(const std::string& text);
};

}  // namespace coppice
