#include "keys/key_pair.hpp"

#include "base/private_file.hpp"

#include <zmq.h>

#include <cstring>
#include <fstream>

namespace coppice {

namespace {

constexpr std::size_t text_size = 40;
constexpr std::string_view key_mark = "?key=";

/// What stands in quotes behind `name =`; empty if nothing does.
std::string quoted(const std::string& text, const std::string& name) {
  const auto at = text.find(name);
  const auto begin = at == std::string::npos ? at : text.find('"', at);
  const auto end = begin == std::string::npos ? begin : text.find('"', begin + 1);
  if (end == std::string::npos || text.substr(at, end - at).find('\n') != std::string::npos)
    return {};
  return text.substr(begin + 1, end - begin - 1);
}

/// The public key that belongs to a secret one; nothing if that is none.
std::optional<public_key> public_of(const std::string& secret) {
  char shown[text_size + 1] = {};
  if (secret.size() != text_size || zmq_curve_public(shown, secret.c_str()) != 0)
    return std::nullopt;
  return public_key::parse({shown, text_size});
}

}  // namespace

std::optional<public_key> public_key::parse(std::string_view text) {
  public_key key;
  // libzmq's decoder looks at every character for its value without a bound.
  for (const char c : text)
    if (c < '!' || c > '}') return std::nullopt;
  if (text.size() != text_size ||
      zmq_z85_decode(key.bytes.data(), std::string{text}.c_str()) == nullptr)
    return std::nullopt;
  return key;
}

std::optional<public_key> public_key::from_bytes(std::string_view bytes) {
  if (bytes.size() != size) return std::nullopt;
  public_key key;
  std::memcpy(key.bytes.data(), bytes.data(), size);
  return key;
}

std::string public_key::text() const {
  char out[text_size + 1] = {};
  zmq_z85_encode(out, bytes.data(), size);
  return {out, text_size};
}

expected<key_pair> key_pair::make() {
  char shown[text_size + 1] = {}, secret[text_size + 1] = {};
  if (zmq_curve_keypair(shown, secret) != 0)
    return fail(errc::unavailable,
                "This ZeroMQ cannot make CURVE keys. Install one with libsodium.");
  return key_pair{*public_key::parse({shown, text_size}), {secret, text_size}};
}

std::optional<key_pair> key_pair::of_secret(const std::string& secret) {
  const auto shown = public_of(secret);
  return shown ? std::optional{key_pair{*shown, secret}} : std::nullopt;
}

expected<key_pair> key_pair::read(const std::filesystem::path& file) {
  if (auto closed = check_private(file, "this secret key"); !closed)
    return tl::unexpected(closed.error());
  std::ifstream in{file};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto pair = of_secret(quoted(text, "secret-key"));
  if (!in || !pair)
    return fail(errc::invalid,
                file.string() + ": no CURVE key pair. Make one with 'coppice keys new'.");
  if (const auto said = public_key::parse(quoted(text, "public-key"));
      said && *said != pair->shown())
    return fail(errc::invalid, file.string() + ": the public key is not that of the secret one.");
  return std::move(*pair);
}

expected<void> key_pair::write(const std::filesystem::path& file) const {
  const auto text =
      "# A CURVE key pair. Whoever reads the secret key is its owner: show it to nobody.\n"
      "metadata\ncurve\n    public-key = \"" +
      public_.text() + "\"\n    secret-key = \"" + secret_ + "\"\n";
  return write_key_file(file, text, 0600);
}

expected<named_endpoint> named_endpoint::parse(const std::string& text) {
  const auto at = text.find(key_mark);
  if (at == std::string::npos) return named_endpoint{text, std::nullopt};
  const auto key = public_key::parse(std::string_view{text}.substr(at + key_mark.size()));
  if (!key)
    return fail(errc::invalid,
                "'" + text + "': what stands behind '?key=' is no public key of 40 characters.");
  return named_endpoint{text.substr(0, at), key};
}

}  // namespace coppice
