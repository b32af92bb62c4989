#include "base/service_notifier.hpp"

#include "base/stop_signal.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coppice {

namespace {

using ::testing::ElementsAre;

/// A service manager: a datagram socket that the environment names.
struct ServiceNotifier : ::testing::Test {
  int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  void SetUp() override {
#ifndef COPPICE_WITH_SYSTEMD
    GTEST_SKIP() << "built without libsystemd";
#endif
    const auto name = "@coppice-notify-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';  // abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~ServiceNotifier() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::close(socket);
  }

  /// What has been told so far.
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    char text[512];
    for (ssize_t n; (n = ::recv(socket, text, sizeof text, 0)) > 0;)
      all.emplace_back(text, static_cast<std::size_t>(n));
    return all;
  }
};

TEST_F(ServiceNotifier, SaysNothingWhereNobodyListens) {
  ::unsetenv("NOTIFY_SOCKET");
  const service_notifier service;

  service.ready();

  EXPECT_FALSE(service.is_heard());
  EXPECT_EQ(service.period(), 5s);
  EXPECT_THAT(told(), ElementsAre());
}

TEST_F(ServiceNotifier, LooksThreeTimesWithinTheWatchdogsLimit) {
  ::setenv("WATCHDOG_USEC", "15000000", 1);

  EXPECT_EQ(service_notifier{}.period(), 5s);
}

TEST_F(ServiceNotifier, FeedsTheWatchdogOnlyIfEveryPartHasAnswered) {
  const service_notifier service;
  service.tell("serving 2 models");
  service.tell(fail(errc::unavailable, "The shard\ndoes not tick."));

  EXPECT_THAT(told(), ElementsAre("STATUS=starting", "WATCHDOG=1\nSTATUS=serving 2 models",
                                  "STATUS=The shard does not tick."));
}

TEST_F(ServiceNotifier, AsksForMoreTime) {
  const service_notifier service;
  service.extend(30s);

  EXPECT_EQ(told().back(), "EXTEND_TIMEOUT_USEC=30000000");
}

TEST_F(ServiceNotifier, TellsAServicesLifeUntilItIsStopped) {
  block_stop_signals();
  ::setenv("WATCHDOG_USEC", "3000", 1);
  int looks = 0;
  serve_until_stopped(service_notifier{}, [&](duration limit) -> expected<std::string> {
    EXPECT_EQ(limit, 1ms);
    if (++looks == 3) ::kill(::getpid(), SIGTERM);
    if (looks == 2) return fail(errc::unavailable, "The shard does not tick.");
    return "look " + std::to_string(looks);
  });

  EXPECT_THAT(told(), ElementsAre("STATUS=starting", "READY=1", "WATCHDOG=1\nSTATUS=look 1",
                                  "STATUS=The shard does not tick.", "WATCHDOG=1\nSTATUS=look 3",
                                  "STOPPING=1\nSTATUS=stopping"));
}

}  // namespace

}  // namespace coppice
