#include "worker/node/node_supervision.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const steady_time t0{1h};

supervision_options options(std::uint32_t intensity) {
  supervision_options made;
  made.restart.intensity = intensity;
  made.restart.pause = {.base = 100ms, .cap = 1s, .jitter = 0};
  made.probe_every = 5min;
  made.farewell = 1s;
  return made;
}

void bring_up(node_supervision& of, steady_time at) {
  for (const auto each : of.due(at)) of.ready(each, at);
}

TEST(NodeSupervision, StartsAnEngineAgainWithoutItsSiblings) {
  node_supervision node{{"", ""}, options(5)};
  bring_up(node, t0);

  EXPECT_THAT(node.ended(1, t0, 0).stop, IsEmpty());

  EXPECT_THAT(node.due(t0 + 100ms), ElementsAre(1));
  EXPECT_EQ(node.strategy_of(1), actors::strategy::one_for_one);
}

TEST(NodeSupervision, StopsAndStartsAGroupTogether) {
  node_supervision node{{"pair", "", "pair"}, options(5)};
  bring_up(node, t0);

  EXPECT_THAT(node.ended(2, t0, 0).stop, ElementsAre(0));
  EXPECT_THAT(node.due(t0 + 1s), IsEmpty());
  EXPECT_THAT(node.ended(0, t0 + 1s, 0).stop, IsEmpty());

  EXPECT_THAT(node.due(t0 + 1s), ElementsAre(0, 2));
  EXPECT_EQ(node.strategy_of(0), actors::strategy::all_for_one);
}

TEST(NodeSupervision, QuarantinesAnEngineThatExceedsItsIntensityWhileItsSiblingsGoOn) {
  node_supervision node{{"", ""}, options(1)};
  bring_up(node, t0);
  EXPECT_FALSE(node.ended(0, t0, 0).quarantined);
  bring_up(node, t0 + 1s);

  EXPECT_TRUE(node.ended(0, t0 + 1s, 0).quarantined);

  EXPECT_TRUE(node.is_quarantined(0));
  EXPECT_FALSE(node.is_quarantined(1));
  EXPECT_FALSE(node.gives_up(t0 + 24h));
  EXPECT_FALSE(node.ended(1, t0 + 2s, 0).quarantined);
  EXPECT_THAT(node.due(t0 + 3s), ElementsAre(1));
}

TEST(NodeSupervision, TriesWhatIsInQuarantineOnceEachPeriod) {
  node_supervision node{{"", ""}, options(0)};
  bring_up(node, t0);
  ASSERT_TRUE(node.ended(0, t0, 0).quarantined);

  EXPECT_EQ(node.next_due(), t0 + 5min);
  EXPECT_THAT(node.due(t0 + 5min - 1ns), IsEmpty());
  EXPECT_FALSE(node.is_in_trial(0));
  EXPECT_THAT(node.due(t0 + 5min), ElementsAre(0));
  EXPECT_FALSE(node.is_quarantined(0));
  EXPECT_TRUE(node.is_in_trial(0));
  EXPECT_FALSE(node.is_in_trial(1));
  EXPECT_TRUE(node.ended(0, t0 + 5min, 0).quarantined);
  EXPECT_EQ(node.next_due(), t0 + 10min);
}

TEST(NodeSupervision, GivesUpOnlyWhenAllIsInQuarantineAndTheFarewellIsOver) {
  node_supervision node{{"", "pair", "pair"}, options(0)};
  bring_up(node, t0);
  ASSERT_TRUE(node.ended(0, t0, 0).quarantined);
  EXPECT_FALSE(node.gives_up(t0 + 1h));

  ASSERT_TRUE(node.ended(1, t0 + 1min, 0).quarantined);

  EXPECT_EQ(node.next_due(), t0 + 1min + 1s);
  EXPECT_FALSE(node.gives_up(t0 + 1min + 1s - 1ns));
  EXPECT_TRUE(node.gives_up(t0 + 1min + 1s));
}

TEST(NodeSupervision, ATrialTakesTheDecisionToGiveUpBack) {
  auto patient = options(0);
  patient.farewell = 1h;
  node_supervision node{{""}, patient};
  bring_up(node, t0);
  ASSERT_TRUE(node.ended(0, t0, 0).quarantined);

  bring_up(node, t0 + 5min);

  EXPECT_FALSE(node.gives_up(t0 + 2h));
}

TEST(NodeSupervision, ForgetsWhatEnginesDidThatWereReplaced) {
  node_supervision node{{"pair", "", "pair"}, options(0)};
  bring_up(node, t0);
  ASSERT_TRUE(node.ended(2, t0, 0).quarantined);
  (void)node.ended(0, t0, 0);
  ASSERT_TRUE(node.ended(1, t0, 0).quarantined);

  node.replaced(0, t0 + 500ms);

  EXPECT_FALSE(node.is_quarantined(0));
  EXPECT_FALSE(node.is_quarantined(2));
  EXPECT_TRUE(node.is_quarantined(1));
  EXPECT_FALSE(node.gives_up(t0 + 1h));
  EXPECT_THAT(node.due(t0 + 1min), IsEmpty()) << "they run";
}

}  // namespace

}  // namespace coppice::worker
