#include "worker/node/node_drain.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

const steady_time t0{1h};

node_drain two_engines() {
  node_drain drain{2, 30s};
  for (const std::size_t k : {0u, 1u}) drain.alive(k, true);
  return drain;
}

TEST(NodeDrain, IsOrderedForOneEngineAndTakenBack) {
  auto drain = two_engines();

  drain.set(1, true);
  EXPECT_FALSE(drain.is_draining(0));
  EXPECT_TRUE(drain.is_draining(1));

  drain.set(1, false);
  EXPECT_FALSE(drain.is_draining(1));
}

TEST(NodeDrain, IsDoneWhenNoEngineHasHadAnythingOpenForTheSettlingTime) {
  auto drain = two_engines();
  drain.quiet(0, true, t0);
  drain.quiet(1, true, t0);
  EXPECT_FALSE(drain.done(t0 + 1h)) << "nobody asked to stop";

  drain.begin_stop(t0 + 1h);

  EXPECT_TRUE(drain.is_draining(0));
  EXPECT_FALSE(drain.done(t0 + 1h + node_drain::settle - 1ns));
  EXPECT_TRUE(drain.done(t0 + 1h + node_drain::settle));
}

TEST(NodeDrain, WaitsForWorkThatIsOpenButNoLongerThanItsLimit) {
  auto drain = two_engines();
  drain.quiet(0, true, t0);
  drain.begin_stop(t0);

  EXPECT_FALSE(drain.done(t0 + 30s - 1ns));
  EXPECT_TRUE(drain.done(t0 + 30s));
}

TEST(NodeDrain, StartsToSettleAgainWhenWorkComes) {
  auto drain = two_engines();
  drain.quiet(0, true, t0);
  drain.quiet(1, true, t0);
  drain.begin_stop(t0);
  drain.quiet(1, false, t0 + 100ms);
  drain.quiet(1, true, t0 + 200ms);

  EXPECT_FALSE(drain.done(t0 + 200ms + node_drain::settle - 1ns));
  EXPECT_TRUE(drain.done(t0 + 200ms + node_drain::settle));
}

TEST(NodeDrain, DoesNotWaitForAnEngineThatIsNotThere) {
  auto drain = two_engines();
  drain.quiet(0, true, t0);
  drain.begin_stop(t0);
  drain.alive(1, false);

  EXPECT_TRUE(drain.done(t0 + node_drain::settle));
}

TEST(NodeDrain, SaysQuietOnlyOfTheProcessThatIsThere) {
  node_drain drain{1, 30s};
  drain.alive(0, true);
  drain.quiet(0, true, t0);
  drain.alive(0, false);
  drain.alive(0, true);
  drain.begin_stop(t0);

  EXPECT_FALSE(drain.done(t0 + 1s));
}

TEST(NodeDrain, LetsOneEngineLeaveOnceItIsQuietAndTheOthersServe) {
  auto drain = two_engines();
  for (const std::size_t k : {0u, 1u}) drain.quiet(k, true, t0);
  EXPECT_FALSE(drain.may_leave(0, t0 + 1h)) << "nobody asked it to";

  drain.begin_leave(0, t0 + 1s);

  EXPECT_TRUE(drain.is_draining(0));
  EXPECT_FALSE(drain.is_draining(1));
  EXPECT_FALSE(drain.may_leave(0, t0 + 1s + node_drain::settle - 1ns));
  EXPECT_TRUE(drain.may_leave(0, t0 + 1s + node_drain::settle));
  EXPECT_FALSE(drain.done(t0 + 1h)) << "the node goes on";
}

TEST(NodeDrain, WaitsForTheWorkOfAnEngineThatLeavesNoLongerThanItsLimit) {
  auto drain = two_engines();
  drain.begin_leave(0, t0);
  drain.quiet(0, true, t0);
  drain.quiet(0, false, t0 + 100ms);

  EXPECT_FALSE(drain.may_leave(0, t0 + 30s - 1ns));
  EXPECT_TRUE(drain.may_leave(0, t0 + 30s));
}

TEST(NodeDrain, TheNextProcessInItsPlaceDoesNotLeave) {
  auto drain = two_engines();
  drain.begin_leave(0, t0);
  drain.alive(0, false);
  drain.alive(0, true);

  EXPECT_FALSE(drain.is_draining(0));
  EXPECT_FALSE(drain.may_leave(0, t0 + 1h));
}

}  // namespace

}  // namespace coppice::worker
