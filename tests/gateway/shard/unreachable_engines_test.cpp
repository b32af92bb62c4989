#include "gateway/shard/unreachable_engines.hpp"

#include <gmock/gmock.h>

namespace coppice::gateway {

namespace {

using ::testing::ElementsAre;

const steady_time t0{1h};

engine_link a_link(std::uint64_t incarnation) {
  engine_link link;
  link.incarnation = {incarnation};
  return link;
}

struct UnreachableEngines : ::testing::Test {
  unreachable_engines engines;
};

TEST_F(UnreachableEngines, AreCalledOnceASecond) {
  engines.add(a_link(7), t0);

  EXPECT_TRUE(engines.due(t0 + 999ms).empty());
  EXPECT_EQ(engines.due(t0 + 1s).size(), 1u);
  EXPECT_TRUE(engines.due(t0 + 1999ms).empty());
  EXPECT_EQ(engines.due(t0 + 2s).size(), 1u);
}

TEST_F(UnreachableEngines, ACallThatFailsDoesNotPutOffTheNext) {
  engines.add(a_link(7), t0);
  (void)engines.due(t0 + 1s);
  engines.add(a_link(7), t0 + 1500ms);
  EXPECT_EQ(engines.due(t0 + 2s).size(), 1u);
}

TEST_F(UnreachableEngines, AreForgottenAfterTenMinutes) {
  engines.add(a_link(7), t0);
  (void)engines.due(t0 + 10min - 1us);
  EXPECT_TRUE(engines.contains({7}));
  (void)engines.due(t0 + 10min);
  EXPECT_TRUE(engines.empty());
}

TEST_F(UnreachableEngines, OneWhoseAddressAnotherHasIsNoneAnyMore) {
  auto old = a_link(7), elsewhere = a_link(8);
  old.endpoint = "tcp://1";
  elsewhere.endpoint = "tcp://2";
  engines.add(old, t0);
  engines.add(elsewhere, t0);

  engines.forget_address("tcp://1", {9});
  engines.forget_address("tcp://2", {8});

  EXPECT_THAT(engines.list(9), ElementsAre(incarnation_id{8}));
}

TEST_F(UnreachableEngines, OneThatWasHeardIsNoneAnyMore) {
  engines.add(a_link(7), t0);
  EXPECT_TRUE(engines.remove({7}));
  EXPECT_FALSE(engines.remove({7}));
  EXPECT_FALSE(engines.contains({7}));
}

TEST_F(UnreachableEngines, AreListedUpToABound) {
  for (const auto each : {7u, 8u, 9u}) engines.add(a_link(each), t0);
  EXPECT_THAT(engines.list(2), ElementsAre(incarnation_id{7}, incarnation_id{8}));
  EXPECT_EQ(engines.size(), 3u);
}

}  // namespace

}  // namespace coppice::gateway
