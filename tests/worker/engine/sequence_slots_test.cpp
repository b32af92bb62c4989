#include "worker/engine/sequence_slots.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Three slots; token number i of attempt n is 100 n + i.
struct SequenceSlots : testing::Test {
  sequence_slots slots{3};
  steady_time now = t0;

  static sequence a_sequence(std::uint64_t id, std::uint32_t max_tokens = 10,
                             std::optional<std::uint32_t> window = 1000) {
    return {{id}, "g", {}, {0, window}, max_tokens, t0, t0 + 30s, 4, false};
  }
  static sequence a_suspect(std::uint64_t id, steady_time arrived = t0) {
    auto made = a_sequence(id);
    made.alone = true;
    made.arrived = arrived;
    return made;
  }
  /// The attempts of the next step, which is under way then.
  std::vector<std::uint64_t> next() { return keep(slots.next(now)); }
  std::vector<std::uint64_t> next_suspect() { return keep(slots.next_suspect(now)); }
  std::vector<std::uint64_t> keep(std::optional<token_step>&& step) {
    std::vector<std::uint64_t> ids;
    under_way = std::move(step);
    if (under_way)
      for (const auto id : under_way->attempts) ids.push_back(id.value);
    return ids;
  }
  void finish() {
    finished_step done;
    done.ran = std::move(*under_way);
    for (const auto id : done.ran.attempts)
      done.tokens.emplace_back(static_cast<std::int32_t>(100 * id.value + made[id.value]++));
    done.began = now;
    now += 1ms;
    slots.finished(done, now);
  }
  std::optional<token_step> under_way;
  std::map<std::uint64_t, std::uint64_t> made;
};

TEST_F(SequenceSlots, HoldsAsManySequencesAsSlots) {
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(slots.add(a_sequence(i)));
  EXPECT_FALSE(slots.add(a_sequence(4)));
  EXPECT_EQ(slots.joining(), 3u);
}

TEST_F(SequenceSlots, AdvancesAllTogetherAndLetsThemJoinBetweenSteps) {
  ASSERT_TRUE(slots.add(a_sequence(1)) && slots.add(a_sequence(2)));
  EXPECT_THAT(next(), ElementsAre(1u, 2u));
  ASSERT_TRUE(slots.add(a_sequence(3)));
  EXPECT_FALSE(slots.next(now));
  EXPECT_EQ(slots.running(), 2u);
  finish();

  EXPECT_THAT(next(), ElementsAre(1u, 2u, 3u));
  ASSERT_EQ(under_way->begins.size(), 1u);
  EXPECT_EQ(under_way->begins[0].slot, 2u);
}

TEST_F(SequenceSlots, TellsEachTokenAndTheRestAtTheEnd) {
  ASSERT_TRUE(slots.add(a_sequence(1, 2)));
  next(), finish();
  const auto first = slots.take_parts();
  next(), finish();
  const auto last = slots.take_parts();

  ASSERT_EQ(first.size(), 1u);
  EXPECT_FALSE(first[0].final);
  EXPECT_THAT(first[0].tokens.tokens, ElementsAre(100));
  ASSERT_EQ(last.size(), 1u);
  EXPECT_TRUE(last[0].final);
  EXPECT_FALSE(last[0].failure);
  EXPECT_EQ(last[0].tokens.seq, 1u);
  EXPECT_THAT(last[0].tokens.tokens, ElementsAre(101));
  EXPECT_EQ(last[0].waited, 0ms);
  EXPECT_EQ(last[0].computed, 2ms);
  EXPECT_THAT(slots.take_parts(), IsEmpty());
}

TEST_F(SequenceSlots, TellsTheModelOfAnEndBeforeTheSlotIsUsedAgain) {
  ASSERT_TRUE(slots.add(a_sequence(1, 1)));
  next(), finish();
  ASSERT_EQ(slots.take_parts().size(), 1u);
  ASSERT_TRUE(slots.add(a_sequence(2)));

  EXPECT_THAT(next(), ElementsAre(2u));
  EXPECT_THAT(under_way->ends, ElementsAre(0u));
  EXPECT_EQ(under_way->begins.at(0).slot, 0u);
}

TEST_F(SequenceSlots, HasAStepForEndsAloneSoThatTheModelLetsGo) {
  ASSERT_TRUE(slots.add(a_sequence(1, 1)));
  next(), finish();
  ASSERT_EQ(slots.take_parts().size(), 1u);

  EXPECT_THAT(next(), IsEmpty());
  ASSERT_TRUE(under_way);
  EXPECT_THAT(under_way->ends, ElementsAre(0u));
  finish();
  EXPECT_FALSE(slots.next(now));
}

TEST_F(SequenceSlots, EndsACancelledSequenceWithItsStep) {
  ASSERT_TRUE(slots.add(a_sequence(1)));
  next();
  EXPECT_TRUE(slots.cancel("g", {1}, now));
  EXPECT_FALSE(slots.cancel("g", {1}, now));
  EXPECT_THAT(slots.take_parts(), IsEmpty());
  finish();

  const auto parts = slots.take_parts();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_TRUE(parts[0].failure);
  EXPECT_EQ(parts[0].failure->code, errc::cancelled);
  EXPECT_THAT(parts[0].tokens.tokens, IsEmpty());
}

TEST_F(SequenceSlots, EndsACancelledSequenceAtOnceBetweenSteps) {
  ASSERT_TRUE(slots.add(a_sequence(1)));
  EXPECT_FALSE(slots.cancel("h", {1}, now));
  EXPECT_TRUE(slots.cancel("g", {1}, now));

  EXPECT_EQ(slots.take_parts().size(), 1u);
  EXPECT_FALSE(slots.next(now));
}

TEST_F(SequenceSlots, EndsWithDeadlineAtTheDeadline) {
  auto hasty = a_sequence(1);
  hasty.deadline = t0 + 10ms;
  ASSERT_TRUE(slots.add(std::move(hasty)) && slots.add(a_sequence(2)));
  EXPECT_EQ(slots.next_deadline(), t0 + 10ms);

  slots.expire(t0 + 10ms - 1us);
  EXPECT_THAT(slots.take_parts(), IsEmpty());
  slots.expire(t0 + 10ms);

  const auto parts = slots.take_parts();
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].failure->code, errc::deadline);
  EXPECT_EQ(slots.next_deadline(), t0 + 30s);
}

TEST_F(SequenceSlots, GivesNoStepToASequenceAtItsDeadline) {
  ASSERT_TRUE(slots.add(a_sequence(1)));
  now = t0 + 30s;
  EXPECT_FALSE(slots.next(now));
}

TEST_F(SequenceSlots, FailsTheSequenceWhoseTokenFailed) {
  ASSERT_TRUE(slots.add(a_sequence(1)) && slots.add(a_sequence(2)));
  next();
  finished_step done;
  done.ran = std::move(*under_way);
  done.tokens.emplace_back(fail(errc::model_error, "No."));
  done.tokens.emplace_back(7);
  slots.finished(done, now);

  const auto parts = slots.take_parts();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].failure->message, "No.");
  EXPECT_FALSE(parts[1].failure);
  EXPECT_THAT(next(), ElementsAre(2u));
  EXPECT_THAT(under_way->ends, ElementsAre(0u));
}

TEST_F(SequenceSlots, PausesASlowReaderAndLetsTheOthersGoOn) {
  ASSERT_TRUE(slots.add(a_sequence(1, 100'000, 0)) && slots.add(a_sequence(2, 100'000)));
  for (std::size_t i = 0; i < token_stream::max_waiting; ++i) {
    EXPECT_THAT(next(), ElementsAre(1u, 2u));
    finish();
    (void)slots.take_parts();
  }
  EXPECT_THAT(next(), ElementsAre(2u));
  finish();
  (void)slots.take_parts();

  slots.open_window("g", {1}, 1);

  EXPECT_EQ(slots.take_parts().at(0).tokens.tokens.size(), token_stream::max_waiting);
  EXPECT_THAT(next(), ElementsAre(1u, 2u));
}

TEST_F(SequenceSlots, KeepsTheBooksOfAGatewayThatIsGoneButTellsNobody) {
  ASSERT_TRUE(slots.add(a_sequence(1)));
  next();
  slots.drop_gateway("h");
  slots.drop_gateway("g");
  EXPECT_THAT(slots.take_parts(), IsEmpty());
  finish();

  const auto parts = slots.take_parts();
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_TRUE(parts[0].unheard);
  EXPECT_EQ(parts[0].bytes, 4u);
}

TEST_F(SequenceSlots, HandsBackOnlyWhatHasNotBegun) {
  ASSERT_TRUE(slots.add(a_sequence(1)));
  next();
  ASSERT_TRUE(slots.add(a_sequence(2)));

  const auto back = slots.take_joining();

  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].id.value, 2u);
  EXPECT_EQ(slots.running(), 1u);
}

TEST_F(SequenceSlots, GivesSuspectsStepsOfTheirOwnInTurn) {
  ASSERT_TRUE(slots.add(a_suspect(1)) && slots.add(a_suspect(2, t0 + 1us)) &&
              slots.add(a_sequence(3)));
  now += 2us;

  EXPECT_EQ(slots.suspect_since(now), t0);
  EXPECT_THAT(next(), ElementsAre(3u));
  EXPECT_FALSE(slots.next_suspect(now));
  finish();
  EXPECT_THAT(next_suspect(), ElementsAre(1u));
  EXPECT_TRUE(under_way->alone);
  EXPECT_EQ(slots.suspect_since(now), t0 + 1us);
  finish();
  EXPECT_THAT(next_suspect(), ElementsAre(2u));
  finish();
  EXPECT_THAT(next_suspect(), ElementsAre(1u));
}

TEST_F(SequenceSlots, AsksForNoStepOfAPausedSuspect) {
  auto slow = a_suspect(1);
  slow.tokens = {0, 0};
  slow.max_tokens = 100'000;
  ASSERT_TRUE(slots.add(std::move(slow)));
  for (std::size_t i = 0; i < token_stream::max_waiting; ++i) next_suspect(), finish();

  EXPECT_FALSE(slots.suspect_since(now));
  slots.open_window("g", {1}, 1);
  EXPECT_TRUE(slots.suspect_since(now));
}

}  // namespace
}  // namespace coppice::worker
