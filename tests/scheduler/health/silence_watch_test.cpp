#include "scheduler/health/silence_watch.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

const steady_time t0{std::chrono::hours{1}};

/// Nodes "0" to "n-1", all heard at `at`.
silence_watch watching(int n, steady_time at = t0) {
  silence_watch watch;
  for (int i = 0; i < n; ++i) watch.heard(std::to_string(i), at);
  return watch;
}

TEST(SilenceWatch, SuspectsANodeAt400MsAndNotBefore) {
  const auto watch = watching(1);

  EXPECT_EQ(watch.of("0", t0 + 399ms), hearing::heard);
  EXPECT_EQ(watch.of("0", t0 + 400ms), hearing::suspect);
}

TEST(SilenceWatch, DeclaresANodeDeadAt500MsOnceAndNotBefore) {
  auto watch = watching(1);

  EXPECT_TRUE(watch.turn(t0 + 499ms).empty());
  EXPECT_EQ(watch.turn(t0 + 500ms), std::vector<std::string>{"0"});
  EXPECT_TRUE(watch.turn(t0 + 10s).empty());
  EXPECT_EQ(watch.of("0", t0 + 10s), hearing::dead);
}

TEST(SilenceWatch, ANodeThatIsVouchedForIsSuspectUntilTheProofIsOldToo) {
  auto watch = watching(1);
  watch.vouch("0", t0 + 450ms);

  EXPECT_EQ(watch.of("0", t0 + 399ms), hearing::heard);
  EXPECT_FALSE(watch.is_vouched_for("0", t0 + 399ms)) << "it needs no proof";
  EXPECT_EQ(watch.of("0", t0 + 400ms), hearing::suspect);
  EXPECT_TRUE(watch.is_vouched_for("0", t0 + 400ms));

  EXPECT_TRUE(watch.turn(t0 + 949ms).empty());
  EXPECT_TRUE(watch.is_vouched_for("0", t0 + 949ms));
  EXPECT_FALSE(watch.is_vouched_for("0", t0 + 950ms));
  EXPECT_EQ(watch.turn(t0 + 950ms).size(), 1u);
}

TEST(SilenceWatch, AProofOfLifeBeforeTheLastSnapshotChangesNothing) {
  auto watch = watching(1);
  watch.vouch("0", t0 - 1s);

  EXPECT_EQ(watch.turn(t0 + 500ms).size(), 1u);
}

TEST(SilenceWatch, NobodyCanVouchForTheDead) {
  auto watch = watching(1);
  (void)watch.turn(t0 + 500ms);

  watch.vouch("0", t0 + 500ms);

  EXPECT_EQ(watch.of("0", t0 + 501ms), hearing::dead);
  EXPECT_FALSE(watch.is_vouched_for("0", t0 + 501ms));
}

TEST(SilenceWatch, BelievesADeadNodeWhenItIsHeardAgain) {
  auto watch = watching(1);
  (void)watch.turn(t0 + 500ms);

  watch.heard("0", t0 + 600ms);

  EXPECT_EQ(watch.of("0", t0 + 899ms), hearing::heard);
  EXPECT_EQ(watch.turn(t0 + 1100ms).size(), 1u);
}

TEST(SilenceWatch, DoubtsItselfWhenHalfOfFourFallSilentTogether) {
  auto watch = watching(4);
  watch.heard("2", t0 + 400ms);
  watch.heard("3", t0 + 400ms);

  EXPECT_TRUE(watch.turn(t0 + 499ms).empty());
  EXPECT_FALSE(watch.doubts_itself());
  EXPECT_TRUE(watch.turn(t0 + 500ms).empty());
  EXPECT_EQ(watch.of("0", t0 + 500ms), hearing::suspect);
  EXPECT_TRUE(watch.doubts_itself());

  for (const auto* node : {"0", "1", "2", "3"}) watch.heard(node, t0 + 600ms);
  EXPECT_TRUE(watch.turn(t0 + 600ms).empty());
  EXPECT_FALSE(watch.doubts_itself());
}

TEST(SilenceWatch, DoesNotDoubtItselfForLessThanHalf) {
  auto watch = watching(5);
  for (const auto* node : {"2", "3", "4"}) watch.heard(node, t0 + 400ms);

  EXPECT_EQ(watch.turn(t0 + 500ms).size(), 2u);
  EXPECT_FALSE(watch.doubts_itself());
}

TEST(SilenceWatch, DoesNotDoubtItselfWithThreeNodes) {
  auto watch = watching(3);

  EXPECT_EQ(watch.turn(t0 + 500ms).size(), 3u);
}

TEST(SilenceWatch, BelievesTheSilenceOfManyAfterTwoSeconds) {
  auto watch = watching(4);

  EXPECT_TRUE(watch.turn(t0 + 1999ms).empty());
  EXPECT_EQ(watch.turn(t0 + 2s).size(), 4u);
}

TEST(SilenceWatch, CountsOnlyNodesThatFellSilentWithinASecondOfEachOther) {
  const auto dead_at_500 = [](duration second_falls) {
    auto watch = watching(4);
    watch.heard("1", t0 + second_falls);
    for (auto at = t0 + second_falls; at <= t0 + second_falls + 500ms; at += 100ms)
      for (const auto* node : {"2", "3"}) watch.heard(node, at);
    (void)watch.turn(t0 + 500ms);  // the first is dead by then
    return watch.of("1", t0 + second_falls + 500ms);
  };

  EXPECT_EQ(dead_at_500(1000ms), hearing::suspect);
  EXPECT_EQ(dead_at_500(1001ms), hearing::dead);
}

TEST(SilenceWatch, DoesNotChargeNodesForTheTimeItSlept) {
  auto watch = watching(1);

  watch.excuse(9800ms, t0 + 10s);
  EXPECT_EQ(watch.of("0", t0 + 10s), hearing::heard);
  EXPECT_TRUE(watch.turn(t0 + 10s + 299ms).empty());
  EXPECT_EQ(watch.turn(t0 + 10s + 300ms).size(), 1u);
}

TEST(SilenceWatch, DoesNotJudgeANodeThatItForgot) {
  auto watch = watching(1);

  watch.forget("0");

  EXPECT_TRUE(watch.turn(t0 + 1h).empty());
}

}  // namespace

}  // namespace coppice::scheduler
