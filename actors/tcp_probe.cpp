#include "actors/tcp_probe.hpp"

#include "base/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coppice::actors {

namespace {

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// 0 once connected, else the errno.
int connect_within(const addrinfo& address, duration limit) {
  const descriptor socket{
      ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return errno;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{socket.get(), POLLOUT, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  if (::poll(&waiting, 1, static_cast<int>(ms)) <= 0) return ETIMEDOUT;
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

}  // namespace

expected<void> tcp_probe(const std::string& host, std::uint16_t port, duration limit) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto where = host + ":" + std::to_string(port);
  if (const int rc = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
    return fail(errc::unavailable, where + ": " + ::gai_strerror(rc) + ".");
  const addresses owned{found, ::freeaddrinfo};
  const int failure = connect_within(*owned, limit);
  if (failure == 0) return {};
  return fail(errc::unavailable, where + ": " + std::strerror(failure) + ".");
}

}  // namespace coppice::actors
