#include "gateway/shard/engine_links.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

namespace {

const steady_time t0{std::chrono::hours{1}};

proto::grant a_grant(std::uint64_t incarnation) {
  proto::grant given;
  given.engine = "node-1/engine-1";
  given.incarnation = {incarnation};
  given.endpoint = "tcp://e" + std::to_string(incarnation);
  return given;
}

struct EngineLinks : ::testing::Test {
  engine_links links;
};

TEST_F(EngineLinks, TheFirstGrantForAnIncarnationOpensItsLink) {
  EXPECT_NE(links.open(a_grant(7), t0), nullptr);
  EXPECT_EQ(links.open(a_grant(7), t0), nullptr);
  EXPECT_NE(links.open(a_grant(8), t0), nullptr);
  EXPECT_EQ(links.size(), 2u);
}

TEST_F(EngineLinks, AreFoundByIncarnationAndEndpointUntilClosed) {
  links.open(a_grant(7), t0);

  EXPECT_EQ(links.find({7}), links.find_endpoint("tcp://e7"));
  links.close({7});
  EXPECT_EQ(links.find({7}), nullptr);
  EXPECT_EQ(links.find_endpoint("tcp://e7"), nullptr);
}

TEST_F(EngineLinks, ArePingedOnceAPeriod) {
  links.open(a_grant(7), t0);

  EXPECT_EQ(links.due_for_ping(1s, t0 + 1s).size(), 1u);
  EXPECT_TRUE(links.due_for_ping(1s, t0 + 1500ms).empty());
  EXPECT_EQ(links.due_for_ping(1s, t0 + 2s).size(), 1u);
}

TEST_F(EngineLinks, ASilentLinkIsLostAfterTheLimit) {
  links.open(a_grant(7), t0);
  links.open(a_grant(8), t0);
  links.find({8})->heard = t0 + 2s;

  EXPECT_TRUE(links.lost(10ms, 3s, t0 + 2999ms).empty());
  const auto gone = links.lost(10ms, 3s, t0 + 3s);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].incarnation, incarnation_id{7});
}

TEST_F(EngineLinks, ADroppedLinkIsLostAfterTheGraceForItsSuspects) {
  links.open(a_grant(7), t0);
  links.find({7})->reset = t0 + 1s;

  EXPECT_TRUE(links.lost(10ms, 3s, t0 + 1009ms).empty());
  EXPECT_EQ(links.lost(10ms, 3s, t0 + 1010ms).size(), 1u);
}

TEST_F(EngineLinks, ADoubtedLinkIsPingedOftenAndLostSoon) {
  links.open(a_grant(7), t0);
  links.find({7})->doubted = true;

  EXPECT_TRUE(links.due_for_ping(1s, t0 + 99ms).empty());
  EXPECT_EQ(links.due_for_ping(1s, t0 + 100ms).size(), 1u);
  EXPECT_TRUE(links.lost(10ms, 3s, t0 + 499ms).empty());
  EXPECT_EQ(links.lost(10ms, 3s, t0 + 500ms).size(), 1u);
}

TEST_F(EngineLinks, AGrantEndsDoubt) {
  links.open(a_grant(7), t0);
  links.find({7})->doubted = true;

  links.open(a_grant(7), t0 + 100ms);

  EXPECT_TRUE(links.lost(10ms, 3s, t0 + 2s).empty());
}

}  // namespace

}  // namespace coppice::gateway
