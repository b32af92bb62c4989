#include "worker/node/convergence.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

namespace coppice::worker {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr steady_time t0{1h};
const backoff pause{.base = 1s, .cap = 8s, .jitter = 0};

/// Three places: one alone, and a pair. All of them run revision 4 and are on their way to 5.
struct Convergence : ::testing::Test {
  convergence of{{{0}, {1, 2}}, {4, 5, false}, pause};

  Convergence() { of.may_begin(5); }
  /// Starts successors, and expects them in these places.
  void starts(const std::vector<std::size_t>& places, steady_time now = t0) {
    EXPECT_EQ(of.due(now, true), places);
  }
  void gives_way(const std::vector<std::size_t>& places) {
    for (const auto each : places) of.predecessor_ended(each);
  }
  void replaces_first() {
    starts({0});
    EXPECT_THAT(of.ready(0), ElementsAre(0));
    gives_way({0});
  }
  void replaces_pair() {
    starts({1, 2});
    EXPECT_THAT(of.ready(2), IsEmpty());
    EXPECT_THAT(of.ready(1), ElementsAre(1, 2));
    gives_way({2, 1});
  }
};

TEST_F(Convergence, ReplacesOneUnitAfterTheOtherAndIsThenThere) {
  replaces_first();
  EXPECT_EQ(of.runs(0), 5u);
  EXPECT_EQ(of.runs(1), 4u);
  EXPECT_FALSE(of.take_outcome());
  replaces_pair();

  starts({});

  const auto outcome = of.take_outcome();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->target, 5u);
  EXPECT_EQ(outcome->failure, "");
  EXPECT_FALSE(of.take_outcome()) << "told once";
  EXPECT_FALSE(of.is_under_way());
  EXPECT_EQ(of.runs(2), 5u);
}

TEST_F(Convergence, StartsNothingBeforeThePredecessorsHaveEnded) {
  starts({0});
  starts({});
  EXPECT_THAT(of.ready(0), ElementsAre(0));
  starts({});

  gives_way({0});

  starts({1, 2});
  EXPECT_EQ(of.step(), 5u);
}

TEST_F(Convergence, ReplacesAGroupOnlyOnceAllOfItIsReady) {
  replaces_first();
  starts({1, 2});

  EXPECT_THAT(of.ready(1), IsEmpty());
  EXPECT_EQ(of.runs(1), 4u);
  EXPECT_THAT(of.ready(1), IsEmpty()) << "said twice";

  EXPECT_THAT(of.ready(2), ElementsAre(1, 2));
  gives_way({1});
  starts({});
  gives_way({2});
  starts({});
  EXPECT_TRUE(of.take_outcome());
}

TEST_F(Convergence, WaitsUntilItsModelsAreThereAndItsEnginesAreCalm) {
  convergence fresh{{{0}}, {4, 5, false}, pause};
  EXPECT_THAT(fresh.due(t0, true), IsEmpty());
  fresh.may_begin(4);
  EXPECT_THAT(fresh.due(t0, true), IsEmpty()) << "another revision";
  fresh.may_begin(5);

  EXPECT_THAT(fresh.due(t0, false), IsEmpty());
  EXPECT_THAT(fresh.due(t0, true), ElementsAre(0));
}

TEST_F(Convergence, FailsWithNothingChangedIfTheFirstSuccessorEnds) {
  starts({0});

  of.successor_ended(0, "n/engine-0b exited with status 1", t0, 0);

  const auto outcome = of.take_outcome();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->target, 5u);
  EXPECT_THAT(outcome->failure, HasSubstr("exited with status 1"));
  EXPECT_EQ(of.runs(0), 4u);
  EXPECT_FALSE(of.is_under_way());
  starts({}, t0 + 1h);
}

TEST_F(Convergence, GoesBackWithTheUnitsThatHadItAlready) {
  replaces_first();
  starts({1, 2});
  EXPECT_THAT(of.ready(1), IsEmpty());
  of.successor_ended(2, "self_test 1 failed", t0, 0);
  EXPECT_THAT(of.abandoned(), ElementsAre(1));
  EXPECT_THAT(of.abandoned(), IsEmpty()) << "told once";
  EXPECT_THAT(of.take_outcome()->failure, HasSubstr("self_test 1"));
  starts({});  // the other one of the pair has not ended yet

  of.successor_ended(1, "exited with status 0", t0, 0);

  starts({0});
  EXPECT_EQ(of.step(), 4u);
  EXPECT_EQ(of.runs(0), 5u) << "it serves until the other one is warm";
  EXPECT_THAT(of.ready(0), ElementsAre(0));
  gives_way({0});
  EXPECT_EQ(of.runs(0), 4u);
  starts({});
  EXPECT_FALSE(of.take_outcome()) << "the target has failed, and that was told";
}

TEST_F(Convergence, TriesToGoBackUntilItCanWithGrowingPauses) {
  replaces_first();
  starts({1, 2});
  of.successor_ended(1, "no", t0, 0);
  of.successor_ended(2, "no", t0, 0);
  starts({0});

  of.successor_ended(0, "no memory", t0, 0);

  starts({}, t0 + 1s - 1ns);
  starts({0}, t0 + 1s);
  of.successor_ended(0, "no memory", t0 + 1s, 0);
  starts({}, t0 + 3s - 1ns);
  starts({0}, t0 + 3s);
  EXPECT_THAT(of.ready(0), ElementsAre(0));
}

TEST_F(Convergence, FailsIfItsModelsCannotBeUsed) {
  convergence fresh{{{0}}, {4, 5, false}, pause};
  fresh.fail(6, "another one");
  EXPECT_FALSE(fresh.take_outcome());

  fresh.fail(5, "not what was signed");

  EXPECT_EQ(fresh.take_outcome()->failure, "not what was signed");
  EXPECT_THAT(fresh.due(t0, true), IsEmpty());
}

TEST_F(Convergence, FailsIfAnEngineOfTheTargetIsGivenUpOnTheWay) {
  of.given_up(0, "an engine of the old one");
  EXPECT_FALSE(of.take_outcome());
  replaces_first();

  of.given_up(0, "n/engine-0b was given up");

  EXPECT_EQ(of.take_outcome()->failure, "n/engine-0b was given up");
  starts({0});
  EXPECT_EQ(of.step(), 4u);
}

TEST_F(Convergence, IsNotFailedByWhatHappensAfterItHasConverged) {
  replaces_first();
  replaces_pair();
  starts({});
  ASSERT_TRUE(of.take_outcome());

  of.given_up(0, "crashed too often");
  of.fail(5, "too late");

  EXPECT_FALSE(of.take_outcome());
  EXPECT_EQ(of.runs(0), 5u);
}

TEST_F(Convergence, LeavesWhatItDoesForANewerTarget) {
  replaces_first();
  starts({1, 2});

  of.aim(6);

  EXPECT_THAT(of.abandoned(), ElementsAre(1, 2));
  of.may_begin(6);
  of.successor_ended(1, "was stopped", t0, 0);
  starts({});
  of.successor_ended(2, "was stopped", t0, 0);
  EXPECT_FALSE(of.take_outcome()) << "nobody waits for 5 any more";
  starts({0});
  EXPECT_EQ(of.step(), 6u);
}

TEST_F(Convergence, LetsAPredecessorEndBeforeItTurnsToANewerTarget) {
  starts({0});
  EXPECT_THAT(of.ready(0), ElementsAre(0));

  of.aim(6);
  of.may_begin(6);

  EXPECT_THAT(of.abandoned(), IsEmpty());
  starts({});
  gives_way({0});
  starts({0});
}

TEST_F(Convergence, GoesBackToTheLastRevisionThatItConvergedTo) {
  replaces_first();
  of.aim(6);
  of.may_begin(6);
  starts({0});

  of.successor_ended(0, "no", t0, 0);

  starts({0});
  EXPECT_EQ(of.step(), 4u) << "not 5, which never was everywhere";
}

TEST_F(Convergence, TakesANewTargetAfterAFailure) {
  starts({0});
  of.successor_ended(0, "no", t0, 0);
  ASSERT_TRUE(of.take_outcome());

  of.aim(6);
  of.may_begin(5);
  starts({});
  of.may_begin(6);

  starts({0});
  EXPECT_EQ(of.step(), 6u);
}

TEST_F(Convergence, StartedWithAFailureStaysWhereItIs) {
  convergence again{{{0}}, {4, 5, true}, pause};
  again.may_begin(5);

  EXPECT_THAT(again.due(t0, true), IsEmpty());
  EXPECT_FALSE(again.take_outcome());
  EXPECT_FALSE(again.is_under_way());
}

/// Processes of a node of five places, moved at random by what a convergence orders.
struct random_node {
  const std::vector<std::vector<std::size_t>> units{{0}, {1, 2}, {3}, {4}};
  convergence of{units, {0, 0, false}, pause};
  std::mt19937 draws;
  steady_time at = t0;
  std::uint64_t target = 0;
  /// By place: the revisions of the engine that serves, of its successor and of its predecessor.
  std::map<std::size_t, std::uint64_t> serving, successor, predecessor;
  /// Successors that were told to stop.
  std::set<std::size_t> dropped;

  explicit random_node(std::uint32_t seed) : draws{seed} {
    for (std::size_t place = 0; place < 5; ++place) serving[place] = 0;
  }
  void check() {
    std::size_t doubled = 0;
    for (const auto& unit : units)
      doubled += std::ranges::any_of(unit, [&](std::size_t place) {
        return successor.contains(place) || predecessor.contains(place);
      });
    EXPECT_LE(doubled, 1u) << "more than one unit runs twice";
    for (const auto& unit : units)
      for (const auto place : unit) {
        EXPECT_EQ(serving[place], of.runs(place));
        EXPECT_EQ(of.runs(place), of.runs(unit.front())) << "a group of two revisions";
      }
  }
  void start() {
    for (const auto place : of.due(at, draws() % 4 > 0)) {
      EXPECT_FALSE(successor.contains(place) || predecessor.contains(place));
      successor[place] = of.step();
    }
    for (const auto place : of.abandoned()) {
      EXPECT_EQ(successor.count(place), 1u);
      dropped.insert(place);
    }
  }
  void become_ready(std::size_t place) {
    if (!successor.contains(place)) return;
    for (const auto each : of.ready(place)) {
      EXPECT_EQ(successor.count(each), 1u) << "nobody is there to take over";
      predecessor[each] = serving[each];
      serving[each] = successor[each];
      successor.erase(each);
    }
  }
  void end(std::size_t place) {
    dropped.erase(place);
    if (successor.erase(place) > 0) return of.successor_ended(place, "it ended", at, 0.5);
    if (predecessor.erase(place) > 0) of.predecessor_ended(place);
  }
  void step() {
    at += std::chrono::milliseconds{draws() % 2000};
    const auto place = draws() % 5;
    switch (draws() % 16) {
      case 0:
        of.aim(++target);
        return of.may_begin(target);
      case 1:
        return of.fail(target, "it does not do");
      case 2:
        return of.given_up(place, "it was given up");
      case 3:
        return end(place);
      case 4:
      case 5:
        return become_ready(place);
      default:
        if (predecessor.contains(place)) return end(place);
        return start();
    }
  }
  /// Lets everything go well with a new target. @returns whether it comes to it.
  bool converges() {
    of.aim(++target);
    of.may_begin(target);
    for (int round = 0; round < 20; ++round) {
      for (const auto place : of.abandoned()) dropped.insert(place);
      for (std::size_t place = 0; place < 5; ++place)
        if (dropped.contains(place) || predecessor.contains(place)) end(place);
      for (std::size_t place = 0; place < 5; ++place) become_ready(place);
      for (const auto place : of.due(at, true)) successor[place] = of.step();
      const auto outcome = of.take_outcome();
      if (outcome && outcome->target == target) return outcome->failure.empty();
    }
    return false;
  }
};

TEST(ConvergenceAtRandom, NeverRunsTwoUnitsTwiceKeepsGroupsTogetherAndComesToItsTarget) {
  for (std::uint32_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    random_node node{seed};
    for (int i = 0; i < 500 && !::testing::Test::HasFailure(); ++i) {
      node.step();
      node.check();
    }
    EXPECT_TRUE(node.converges());
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace

}  // namespace coppice::worker
