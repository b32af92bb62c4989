#include "actors/mesh_identity.hpp"

#include "base/private_file.hpp"

#include <array>
#include <ctime>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace coppice::actors {

namespace {

constexpr duration greeting_limit = 200ms;

struct freed {
  void operator()(SSL_CTX* it) const noexcept { SSL_CTX_free(it); }
  void operator()(BIO* it) const noexcept { BIO_free_all(it); }
  void operator()(X509_STORE_CTX* it) const noexcept { X509_STORE_CTX_free(it); }
};
template <class T>
using owned = std::unique_ptr<T, freed>;

std::string last_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "no reason given";
}

tl::unexpected<error> bad(const std::filesystem::path& file, const std::string& what) {
  return fail(errc::invalid, file.string() + ": " + what + ".");
}

/// Whether the authority of the context has signed the certificate in it.
bool is_signed(SSL_CTX* context) {
  const owned<X509_STORE_CTX> check{X509_STORE_CTX_new()};
  return X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context),
                             SSL_CTX_get0_certificate(context), nullptr) == 1 &&
         X509_verify_cert(check.get()) == 1;
}

std::chrono::system_clock::time_point end_of(const X509* certificate) {
  std::tm parts{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

expected<void> load(SSL_CTX* context, const mesh_identity& identity) {
  ERR_clear_error();
  if (auto closed = check_private(identity.key, "this private key"); !closed) return closed;
  if (SSL_CTX_use_certificate_chain_file(context, identity.certificate.c_str()) != 1)
    return bad(identity.certificate, "no certificate can be read from it: " + last_reason());
  if (SSL_CTX_use_PrivateKey_file(context, identity.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad(identity.key, "no private key of " + identity.certificate.string() +
                                 " can be read from it: " + last_reason());
  if (SSL_CTX_load_verify_locations(context, identity.ca.c_str(), nullptr) != 1)
    return bad(identity.ca, "no certificate of an authority can be read from it: " + last_reason());
  return {};
}

enum class heard { words, nothing, end };

/// What comes over a connection within `limit`.
heard hear(BIO* connection, duration limit) {
  const auto until = now() + limit;
  std::array<char, 64> said{};
  while (now() < until) {
    if (BIO_read(connection, said.data(), said.size()) > 0) return heard::words;
    if (!BIO_should_retry(connection)) return heard::end;
    BIO_wait(connection, std::time(nullptr) + 1, 20);
  }
  return heard::nothing;
}

/// A port of plain CAF greets whoever connects; one of TLS waits for the other to begin.
bool greets(const std::string& where) {
  const owned<BIO> connection{BIO_new_connect(where.c_str())};
  BIO_set_nbio(connection.get(), 1);
  return hear(connection.get(), greeting_limit) == heard::words;
}

/// Neither let in nor sent away is as good as let in.
bool lets_in(const std::string& where, duration limit) {
  const owned<SSL_CTX> context{SSL_CTX_new(TLS_client_method())};
  const owned<BIO> connection{BIO_new_ssl_connect(context.get())};
  BIO_set_conn_hostname(connection.get(), where.c_str());
  BIO_set_nbio(connection.get(), 1);
  return hear(connection.get(), limit) != heard::end;
}

}  // namespace

expected<void> read_mesh(config_map mesh, const std::filesystem::path& folder, mesh_options& out) {
  std::string certificate, key, ca;
  mesh.optional("insecure", out.insecure, "true or false")
      .optional("certificate", certificate, "a path")
      .optional("key", key, "a path")
      .optional("ca", ca, "a path");
  const bool any = !certificate.empty() || !key.empty() || !ca.empty();
  if (any && (certificate.empty() || key.empty() || ca.empty()))
    mesh.reject(mesh.has("certificate") ? "certificate"
                : mesh.has("key")       ? "key"
                                        : "ca",
                "'mesh' needs all of 'certificate', 'key' and 'ca'");
  if (any && out.insecure) mesh.reject("insecure", "a mesh with certificates is not insecure");
  if (auto done = mesh.finish(); !done) return done;
  if (any) out.identity = {folder / certificate, folder / key, folder / ca};
  return {};
}

expected<std::chrono::system_clock::time_point> check_identity(const mesh_identity& identity) {
  const owned<SSL_CTX> context{SSL_CTX_new(TLS_method())};
  if (auto loaded = load(context.get(), identity); !loaded) return tl::unexpected(loaded.error());
  const auto ends = end_of(SSL_CTX_get0_certificate(context.get()));
  if (ends <= std::chrono::system_clock::now())
    return bad(identity.certificate, "the certificate has ended. Have a new one signed");
  if (!is_signed(context.get()))
    return bad(identity.certificate, "the authority of " + identity.ca.string() +
                                         " has not signed it. Have it signed there");
  return ends;
}

expected<void> check_identity(const mesh_options& options, metrics& registry) {
  if (!options.identity) return {};
  const auto ends = check_identity(*options.identity);
  if (!ends) return tl::unexpected(ends.error());
  registry
      .gauge("coppice_mesh_certificate_end_seconds",
             "When this process's certificate of the mesh ends, seconds since 1970.")
      .Set(static_cast<double>(std::chrono::system_clock::to_time_t(*ends)));
  return {};
}

expected<void> check_refuses_strangers(const std::string& host, std::uint16_t port,
                                       duration limit) {
  const auto where = host + ":" + std::to_string(port);
  const bool in = greets(where) || lets_in(where, limit);
  ERR_clear_error();
  if (!in) return {};
  return fail(errc::invalid,
              "The mesh port " + where + " does not send a client without a certificate away.");
}

}  // namespace coppice::actors
