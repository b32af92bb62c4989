#include "base/metrics.hpp"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <chrono>
#include <sys/socket.h>
#include <unistd.h>

namespace coppice {

namespace {

using ::testing::HasSubstr;

std::string page(const std::string& url) {
  const auto port = std::stoi(url.substr(url.rfind(':') + 1));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int wire = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(wire, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  EXPECT_EQ(::send(wire, request.data(), request.size(), 0), std::ssize(request));
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::recv(wire, buffer, sizeof buffer, 0)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(wire);
  return text;
}

TEST(Metrics, ServesItsFiguresWithHelpAndLabels) {
  metrics registry;
  registry.counter("coppice_x_total", "Things.", {{"model", "echo"}}).Increment(3);
  registry.gauge("coppice_y", "Now.").Set(2);
  registry.histogram("coppice_z_seconds", "Time.", time_buckets()).Observe(0.0003);

  const auto text = page(registry.serve("127.0.0.1", 0));

  EXPECT_THAT(text, HasSubstr("# HELP coppice_x_total Things."));
  EXPECT_THAT(text, HasSubstr("coppice_x_total{model=\"echo\"} 3"));
  EXPECT_THAT(text, HasSubstr("coppice_y 2"));
  EXPECT_THAT(text, HasSubstr("coppice_z_seconds_bucket{le=\"0.0005\"} 1"));
}

TEST(Metrics, TellsSinceWhenItServes) {
  const auto seconds = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  metrics registry;
  const auto before = seconds();
  const auto url = registry.serve("127.0.0.1", 0);
  const auto after = seconds();

  const auto text = page(url);
  const std::string name = "\ncoppice_start_time_seconds ";
  const auto at = text.find(name);

  ASSERT_NE(at, std::string::npos) << text;
  const auto told = std::stod(text.substr(at + name.size()));
  EXPECT_GE(told, before - 1e-3);  // the page tells milliseconds
  EXPECT_LE(told, after + 1e-3);
}

TEST(Metrics, SaysThatItCannotListen) {
  metrics first, second;
  const auto url = first.serve("127.0.0.1", 0);

  EXPECT_ANY_THROW(second.serve("127.0.0.1", std::stoi(url.substr(url.rfind(':') + 1))));
}

TEST(Metrics, TheOneOfTheProcessIsOne) {
  EXPECT_EQ(&metrics::of_process(), &metrics::of_process());
}

TEST(Metrics, BucketsGrow) {
  EXPECT_TRUE(std::ranges::is_sorted(time_buckets()));
  EXPECT_TRUE(std::ranges::is_sorted(row_buckets()));
}

}  // namespace

}  // namespace coppice
