// CAF 0.17 asks `SSL_get_error` what a call came to although the queue of OpenSSL's errors of its
// thread may hold that of another session, against the manual (SSL_get_error(3)): one session that
// ends badly would end every other one of the process. The calls that CAF makes end up here, as a
// program's symbols come before those of its libraries; they empty the queue first.

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace {

template <class Call>
Call* of_libssl(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int SSL_accept(SSL* session) {
  static auto* const accept = of_libssl<decltype(SSL_accept)>("SSL_accept");
  ERR_clear_error();
  return accept(session);
}

int SSL_connect(SSL* session) {
  static auto* const connect = of_libssl<decltype(SSL_connect)>("SSL_connect");
  ERR_clear_error();
  return connect(session);
}

int SSL_read(SSL* session, void* to, int bytes) {
  static auto* const read = of_libssl<decltype(SSL_read)>("SSL_read");
  ERR_clear_error();
  return read(session, to, bytes);
}

int SSL_write(SSL* session, const void* from, int bytes) {
  static auto* const write = of_libssl<decltype(SSL_write)>("SSL_write");
  ERR_clear_error();
  return write(session, from, bytes);
}
}
