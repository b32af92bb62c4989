#include "actors/tcp_probe.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coppice::actors {

namespace {

struct listener {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port = 0;
  listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(fd, 4);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~listener() { ::close(fd); }
};

TEST(TcpProbe, FindsAListener) {
  const listener open;

  EXPECT_TRUE(tcp_probe("127.0.0.1", open.port, 1s));
}

TEST(TcpProbe, NamesTheReasonWhereNobodyListens) {
  const auto port = listener{}.port;

  const auto result = tcp_probe("127.0.0.1", port, 1s);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::unavailable);
  EXPECT_NE(result.error().message.find("Connection refused"), std::string::npos);
}

}  // namespace

}  // namespace coppice::actors
