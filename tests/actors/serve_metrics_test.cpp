#include "actors/serve_metrics.hpp"

#include <gtest/gtest.h>

namespace coppice::actors {

namespace {

TEST(ServeMetrics, TellsWhereTheyAre) {
  metrics registry;
  const auto url = serve_metrics(registry, "127.0.0.1:0");

  ASSERT_TRUE(url);
  EXPECT_TRUE(url->starts_with("http://127.0.0.1:"));
  EXPECT_TRUE(url->ends_with("/metrics"));
}

TEST(ServeMetrics, SaysWhatIsWrongWithTheAddress) {
  metrics registry;
  const auto none = serve_metrics(registry, "127.0.0.1");

  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::invalid);
}

TEST(ServeMetrics, SaysThatAPortIsTaken) {
  metrics first, second;
  const auto url = serve_metrics(first, "127.0.0.1:0");
  ASSERT_TRUE(url);
  const auto host_begin = url->find("//") + 2;
  const auto taken = url->substr(host_begin, url->rfind('/') - host_begin);

  const auto none = serve_metrics(second, taken);

  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::unavailable);
  EXPECT_NE(none.error().message.find(taken), std::string::npos);
}

}  // namespace

}  // namespace coppice::actors
