#include "gateway/shard/engine_links.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace coppice::gateway {

namespace {

const steady_time t0{1h};

proto::grant a_grant(std::uint64_t incarnation) {
  proto::grant given;
  given.engine = "node-1/engine-1";
  given.incarnation = {incarnation};
  given.endpoint = "tcp://e" + std::to_string(incarnation);
  return given;
}

struct EngineLinks : ::testing::Test {
  engine_links links;
  steady_time now = t0;

  EngineLinks() { links.tick(t0); }
  /// Time passes, in steps of a running process.
  void pass(duration time) {
    for (const auto end = now + time; now < end;) {
      now = std::min(now + 10ms, end);
      links.tick(now);
    }
  }
  engine_link& a_link(std::uint64_t incarnation) {
    links.open(a_grant(incarnation));
    return *links.find({incarnation});
  }
  engine_link& an_idle_link(std::uint64_t incarnation) {
    auto& link = a_link(incarnation);
    links.heard(link);
    owing({});
    return link;
  }
  void owing(const std::vector<incarnation_id>& all) {
    links.update_owing([&](const auto& use) { std::ranges::for_each(all, use); });
  }
};

TEST_F(EngineLinks, TheFirstGrantForAnIncarnationOpensItsLink) {
  EXPECT_NE(links.open(a_grant(7)), nullptr);
  EXPECT_EQ(links.open(a_grant(7)), nullptr);
  EXPECT_NE(links.open(a_grant(8)), nullptr);
  EXPECT_EQ(links.size(), 2u);
}

TEST_F(EngineLinks, AreFoundByIncarnationAndEndpointUntilClosed) {
  a_link(7);

  EXPECT_EQ(links.find({7}), links.find_endpoint("tcp://e7"));
  links.close({7});
  EXPECT_EQ(links.find({7}), nullptr);
  EXPECT_EQ(links.find_endpoint("tcp://e7"), nullptr);
}

TEST_F(EngineLinks, ALinkThatOwesAWordIsPingedSoonAndOneThatOwesNoneOnceASecond) {
  an_idle_link(7);
  a_link(8);

  pass(149ms);
  EXPECT_TRUE(links.due_for_ping().empty());
  pass(1ms);
  ASSERT_EQ(links.due_for_ping().size(), 1u);
  EXPECT_TRUE(links.due_for_ping().empty()) << "once";
  links.close({8});
  pass(849ms);
  EXPECT_TRUE(links.due_for_ping().empty());
  pass(1ms);
  EXPECT_EQ(links.due_for_ping().size(), 1u);
}

TEST_F(EngineLinks, OneThatSpeaksNeedsNoPing) {
  auto& link = a_link(7);
  for (int i = 0; i < 10; ++i) {
    pass(100ms);
    links.heard(link);
    EXPECT_TRUE(links.due_for_ping().empty());
  }
}

TEST_F(EngineLinks, OneThatOwesAWordIsSilentAfterHalfASecond) {
  auto& answering = an_idle_link(7);
  a_link(8);
  owing({{7}, {8}});
  pass(100ms);
  links.heard(answering);

  pass(399ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  ASSERT_EQ(links.silent().size(), 1u);
  EXPECT_EQ(links.silent()[0].incarnation, incarnation_id{8});
}

TEST_F(EngineLinks, OneThatOwesNothingIsSilentAfterThreeSeconds) {
  an_idle_link(7);
  pass(2999ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, ALinkThatWasNeverHeardOwesItsWelcome) {
  a_link(7);
  owing({});
  pass(500ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, TheSilenceOfALinkThatOwedNothingIsNotHeldAgainstIt) {
  an_idle_link(7);
  pass(900ms);
  owing({{7}});

  EXPECT_TRUE(links.due_for_ping().empty());
  pass(499ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, OneThatIsDoubtedOwesASignOfLifeUntilItIsGrantedAgain) {
  an_idle_link(7).doubted = true;
  owing({});
  pass(150ms);
  EXPECT_EQ(links.due_for_ping().size(), 1u);
  pass(350ms);
  EXPECT_EQ(links.silent().size(), 1u);

  links.open(a_grant(7));
  owing({});

  EXPECT_TRUE(links.silent().empty());
}

TEST_F(EngineLinks, WasHeardWithinATimeOnlyIfItWasHeardAtAll) {
  auto& link = a_link(7);
  EXPECT_FALSE(links.was_heard_within(link, 250ms));
  links.heard(link);
  pass(249ms);
  EXPECT_TRUE(links.was_heard_within(link, 250ms));
  pass(1ms);
  EXPECT_FALSE(links.was_heard_within(link, 250ms));
}

TEST_F(EngineLinks, TheTimeOfAFrozenProcessIsNobodysSilence) {
  a_link(7);
  pass(400ms);
  now += 1h;
  links.tick(now);

  pass(49ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, SilenceCountsFromWhenALargeMessageIsThrough) {
  auto& link = a_link(7);
  links.carries(link, 12'500'000);  // a second

  pass(1499ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, LargeMessagesGoOneAfterTheOther) {
  auto& link = a_link(7);
  links.carries(link, 12'500'000);
  links.carries(link, 12'500'000);

  pass(2499ms);
  EXPECT_TRUE(links.silent().empty());
  pass(1ms);
  EXPECT_EQ(links.silent().size(), 1u);
}

TEST_F(EngineLinks, ADroppedLinkIsLostAfterTheGraceForItsSuspects) {
  a_link(7).reset = t0 + 1s;

  EXPECT_TRUE(links.dropped(t0 + 1009ms).empty());
  EXPECT_EQ(links.dropped(t0 + 1010ms).size(), 1u);
}

TEST_F(EngineLinks, OneThatIsOpenedAgainStartsAfresh) {
  auto lost = a_link(7);
  lost.reset = t0;
  links.close({7});
  pass(1s);

  links.reopen(lost);

  EXPECT_TRUE(links.dropped(t0 + 2s).empty());
  EXPECT_TRUE(links.silent().empty());
  EXPECT_FALSE(links.find({7})->was_heard);
}

}  // namespace

}  // namespace coppice::gateway
