#include "worker/engine/link_listener.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {

namespace {

TEST(LinkListener, TakesAFreePortOfAnAddress) {
  const auto first = link_listener::open("127.0.0.2", {1});
  const auto second = link_listener::open("127.0.0.2", {2});

  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second);
  EXPECT_THAT(first->endpoint, ::testing::MatchesRegex("tcp://127.0.0.2:[0-9]+"));
  EXPECT_NE(first->endpoint, second->endpoint);
}

TEST(LinkListener, OnLoopbackIsAUnixSocketWithoutAFile) {
  const auto listener = link_listener::open("127.0.0.1", {0xabc});

  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ(listener->endpoint, "ipc://@coppice-0000000000000abc");
  EXPECT_FALSE(link_listener::open("127.0.0.1", {0xabc})) << "it is taken";
}

TEST(LinkListener, SaysWhatIsWrongWithAnAddress) {
  for (const auto* address : {"203.0.113.7", "localhost", "", "1.2.3.4.5"}) {
    const auto refused = link_listener::open(address, {1});
    ASSERT_FALSE(refused) << address;
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("numeric address"));
  }
}

}  // namespace

}  // namespace coppice::worker
