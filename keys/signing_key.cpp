#include "keys/signing_key.hpp"

#include "base/private_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace coppice {

namespace {

struct closed {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using open_file = std::unique_ptr<std::FILE, closed>;
using memory = std::unique_ptr<BIO, closed>;
using digest = std::unique_ptr<EVP_MD_CTX, closed>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string text_in(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

tl::unexpected<error> no_key(const std::filesystem::path& file, const char* kind) {
  return fail(errc::invalid, file.string() + ": no Ed25519 " + kind +
                                 " key. Make a pair with 'coppice sign new'.");
}

}  // namespace

void signing_key::freed::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

signing_key signing_key::make() {
  return signing_key{owned_key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}};
}

expected<signing_key> signing_key::read(const std::filesystem::path& file) {
  if (auto good = check_private(file, "this private key"); !good)
    return tl::unexpected(good.error());
  const open_file in{std::fopen(file.c_str(), "re")};
  owned_key key{in ? PEM_read_PrivateKey(in.get(), nullptr, nullptr, nullptr) : nullptr};
  if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) return no_key(file, "private");
  return signing_key{std::move(key)};
}

expected<void> signing_key::write(const std::filesystem::path& file) const {
  const memory secret{BIO_new(BIO_s_secmem())}, shown{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(secret.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(shown.get(), key_.get());
  if (auto written = write_key_file(file, text_in(secret.get()), 0600); !written) return written;
  return write_key_file(file.string() + ".pub", text_in(shown.get()), 0644);
}

std::string signing_key::sign(std::string_view bytes) const {
  const digest context{EVP_MD_CTX_new()};
  std::string signature(signature_size, '\0');
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                 bytes_of(bytes), bytes.size());
  return signature;
}

expected<trusted_key> trusted_key::read(const std::filesystem::path& file) {
  const open_file in{std::fopen(file.c_str(), "re")};
  if (!in) return fail(errc::invalid, file.string() + ": " + std::strerror(errno) + ".");
  signing_key::owned_key key{PEM_read_PUBKEY(in.get(), nullptr, nullptr, nullptr)};
  if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) return no_key(file, "public");
  return trusted_key{std::move(key)};
}

trusted_key trusted_key::of(const signing_key& key) {
  EVP_PKEY_up_ref(key.key_.get());
  return trusted_key{signing_key::owned_key{key.key_.get()}};
}

bool trusted_key::has_signed(std::string_view bytes, std::string_view signature) const {
  const digest context{EVP_MD_CTX_new()};
  return signature.size() == signing_key::signature_size &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes),
                          bytes.size()) == 1;
}

}  // namespace coppice
