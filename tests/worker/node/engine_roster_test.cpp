#include "worker/node/engine_roster.hpp"

#include <gmock/gmock.h>

namespace coppice::worker {

namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;

const steady_time t0{1h};

supervision_options supervision(std::uint32_t intensity) {
  supervision_options made;
  made.restart.intensity = intensity;
  made.restart.pause = {.base = 100ms, .cap = 1s, .jitter = 0};
  return made;
}

proto::engine_report ready_as(std::uint64_t incarnation) {
  proto::engine_report report;
  report.op = "ready";
  report.incarnation = {incarnation};
  report.endpoint = "tcp://e";
  return report;
}

engine_exit a_crash() {
  return {exit_cause::crash, "was killed by signal 11 (SIGSEGV)", {{4}}, false};
}

/// Two engines of node "n", by default each alone.
struct EngineRoster : ::testing::Test {
  engine_roster roster = a_roster("", "");

  static engine_roster a_roster(const std::string& first, const std::string& second,
                                std::uint32_t intensity = 5) {
    return {"n",
            {{"n/engine-0", "cpu", first}, {"n/engine-1", "cpu", second}},
            supervision(intensity),
            30s};
  }
  void bring_up(steady_time at) {
    for (const auto k : roster.due(at)) {
      roster.started(k, 100 + static_cast<std::int64_t>(k));
      roster.reported(k, ready_as(7 + k), at);
    }
  }
  proto::engine_state state(std::size_t k, steady_time at = t0) { return roster.states(at).at(k); }
};

TEST_F(EngineRoster, ShowsAnEngineFromItsStartToItsService) {
  EXPECT_EQ(state(1).verdict, "starting");
  EXPECT_FALSE(roster.is_settled());
  ASSERT_THAT(roster.due(t0), ElementsAre(0, 1));
  roster.started(1, 42);
  EXPECT_TRUE(roster.reported(1, ready_as(7), t0));

  const auto shown = state(1, t0 + 3s);

  EXPECT_EQ(shown.name, "n/engine-1");
  EXPECT_EQ(shown.pid, 42);
  EXPECT_EQ(shown.verdict, "up");
  EXPECT_EQ(shown.incarnation, incarnation_id{7});
  EXPECT_EQ(shown.up_for_ms, 3000u);
  EXPECT_EQ(shown.restarts, 0u);
  EXPECT_EQ(shown.strategy, "one-for-one");
}

TEST_F(EngineRoster, CountsWhatRunsForItsProcess) {
  EXPECT_FALSE(roster.look().settled);
  bring_up(t0);
  auto report = ready_as(7);
  report.op = "load";
  report.loads.push_back({.running_rows = 3, .queued_rows = 2});
  roster.reported(0, report, t0);

  const auto found = roster.look();

  EXPECT_TRUE(found.settled);
  EXPECT_EQ(found.engines, 2u);
  EXPECT_EQ(found.up, 2u);
  EXPECT_EQ(found.rows, 5u);
  EXPECT_FALSE(found.stopping);
  roster.begin_stop(t0);
  EXPECT_TRUE(roster.look().stopping);
}

TEST_F(EngineRoster, TellsWhatEndedWithItsCauseAndSuspects) {
  bring_up(t0);

  const auto ending = roster.ended(1, a_crash(), t0 + 1s, 0);

  ASSERT_TRUE(ending.down);
  EXPECT_EQ(ending.down->engine, "n/engine-1");
  EXPECT_EQ(ending.down->incarnation, incarnation_id{8});
  EXPECT_EQ(ending.down->cause, "crash");
  EXPECT_THAT(ending.down->suspects, ElementsAre(attempt_id{4}));
  EXPECT_EQ(state(1).verdict, "dead");
  EXPECT_FALSE(state(1).incarnation);
  EXPECT_EQ(state(1).up_for_ms, 0u);
}

TEST_F(EngineRoster, TellsNobodyOfAnEngineThatWasNeverReady) {
  ASSERT_THAT(roster.due(t0), ElementsAre(0, 1));

  EXPECT_FALSE(roster.ended(0, a_crash(), t0, 0).down);
}

TEST_F(EngineRoster, KeepsWhyAnEngineWasStartedAgain) {
  bring_up(t0);
  (void)roster.ended(0, a_crash(), t0, 0);
  bring_up(t0 + 1s);
  (void)roster.ended(0, {exit_cause::hang, "made no progress", {}, true}, t0 + 2s, 0);

  const auto shown = state(0, t0 + 5s);

  EXPECT_EQ(shown.verdict, "hung");
  EXPECT_EQ(shown.restarts, 1u);
  EXPECT_EQ(shown.last_reason, "made no progress");
  ASSERT_EQ(shown.history.size(), 2u);
  EXPECT_EQ(shown.history[0].cause, "hang");
  EXPECT_EQ(shown.history[0].ago_ms, 3000u);
  EXPECT_EQ(shown.history[1].cause, "crash");
}

TEST_F(EngineRoster, QuarantinesAnEngineBeyondItsIntensity) {
  roster = a_roster("", "", 1);
  bring_up(t0);
  EXPECT_FALSE(roster.ended(0, a_crash(), t0, 0).quarantined);
  bring_up(t0 + 1s);

  EXPECT_TRUE(roster.ended(0, a_crash(), t0 + 1s, 0).quarantined);

  EXPECT_EQ(state(0).verdict, "quarantined");
  EXPECT_THAT(state(0).last_reason, EndsWith("given up after too many restarts"));
  EXPECT_EQ(state(1).verdict, "up");
  EXPECT_TRUE(roster.is_settled());
}

TEST_F(EngineRoster, StopsAGroupTogetherAndSaysWhy) {
  roster = a_roster("pair", "pair");
  bring_up(t0);

  EXPECT_THAT(roster.ended(0, a_crash(), t0, 0).stop, ElementsAre(1));
  EXPECT_EQ(state(1).verdict, "draining");
  EXPECT_THAT(roster.due(t0 + 1s), IsEmpty());
  const auto second =
      roster.ended(1, {exit_cause::stopped, "exited with status 0", {}, false}, t0 + 1s, 0);

  EXPECT_EQ(second.down->cause, "stopped");
  EXPECT_EQ(state(1).last_reason, "was stopped with its group");
  EXPECT_EQ(state(1).strategy, "all-for-one");
  EXPECT_EQ(state(1).group, "pair");
  EXPECT_THAT(roster.due(t0 + 1s), ElementsAre(0, 1));
}

TEST_F(EngineRoster, DrainsWhatAnOrderNamesUntilItIsTakenBack) {
  bring_up(t0);

  EXPECT_TRUE(roster.order({"n/engine-1", true}));
  EXPECT_EQ(state(0).verdict, "up");
  EXPECT_EQ(state(1).verdict, "draining");
  EXPECT_TRUE(roster.order({"n", true}));
  EXPECT_EQ(state(0).verdict, "draining");

  EXPECT_TRUE(roster.order({"n", false}));
  EXPECT_EQ(state(1).verdict, "up");
  EXPECT_FALSE(roster.order({"other", true}));
  EXPECT_EQ(state(0).verdict, "up");
}

TEST_F(EngineRoster, StaysDrainedOverARestart) {
  bring_up(t0);
  ASSERT_TRUE(roster.order({"n/engine-0", true}));
  (void)roster.ended(0, a_crash(), t0, 0);
  bring_up(t0 + 1s);

  EXPECT_EQ(state(0).verdict, "draining");
}

TEST_F(EngineRoster, StopsWhenItsWorkIsDone) {
  bring_up(t0);
  for (const std::size_t k : {0u, 1u}) roster.quiet(k, true, t0);
  roster.begin_stop(t0);
  EXPECT_EQ(state(0).verdict, "draining");
  EXPECT_FALSE(roster.may_stop(t0));

  const auto settled = t0 + node_drain::settle;
  EXPECT_TRUE(roster.may_stop(settled));
  EXPECT_FALSE(roster.may_stop(settled)) << "told once";
  EXPECT_FALSE(roster.has_stopped());
  for (const std::size_t k : {0u, 1u})
    (void)roster.ended(k, {exit_cause::stopped, "exited with status 0", {}, false}, settled, 0);

  EXPECT_TRUE(roster.has_stopped());
  EXPECT_THAT(roster.due(t0 + 1h), IsEmpty());
}

TEST_F(EngineRoster, StartsNothingWhileItStopsAndDoesNotGiveUp) {
  roster = a_roster("", "", 0);
  bring_up(t0);
  roster.begin_stop(t0);
  for (const std::size_t k : {0u, 1u}) EXPECT_FALSE(roster.ended(k, a_crash(), t0, 0).quarantined);

  EXPECT_THAT(roster.due(t0 + 1h), IsEmpty());
  EXPECT_FALSE(roster.gives_up(t0 + 1h));
  EXPECT_TRUE(roster.may_stop(t0 + node_drain::settle));
  EXPECT_TRUE(roster.has_stopped());
}

// --- revisions: engines 2 and 3 are beside 0 and 1 -------------------------------------------

/// Two engines that are up and have nothing open, and revision 1 on its way.
struct RosterOfTwoRevisions : EngineRoster {
  RosterOfTwoRevisions() { aim(); }

  void aim() {
    bring_up(t0);
    for (const std::size_t k : {0u, 1u}) roster.quiet(k, true, t0);
    roster.aim(1);
    roster.may_begin(1);
  }
  void start(std::size_t k, steady_time at = t0) {
    ASSERT_THAT(roster.due(at), ElementsAre(k));
    EXPECT_EQ(roster.revision(k), 1u);
    roster.started(k, 100 + static_cast<std::int64_t>(k));
  }
  void take_over(std::size_t k, steady_time at = t0) {
    EXPECT_TRUE(roster.reported(k, ready_as(7 + k), at));
    roster.quiet(k, true, at);
  }
  void stops(std::size_t k, steady_time at) {
    ASSERT_THAT(roster.to_stop(at), ElementsAre(k));
    (void)roster.ended(k, {exit_cause::stopped, "exited with status 0", {}, false}, at, 0);
  }
  std::vector<std::string> verdicts(steady_time at = t0) {
    std::vector<std::string> all;
    for (const auto& each : roster.states(at)) all.push_back(each.name + " " + each.verdict);
    return all;
  }
  const steady_time settled = t0 + node_drain::settle;
};

TEST_F(RosterOfTwoRevisions, StartsASuccessorBesideAnEngineThatGoesOn) {
  start(2);

  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 up", "n/engine-1 up", "n/engine-0b starting"));
  EXPECT_TRUE(roster.is_settled());
  EXPECT_THAT(roster.to_stop(t0 + 1h), IsEmpty());
  EXPECT_THAT(roster.due(t0 + 1h), IsEmpty()) << "one after the other";
}

TEST_F(RosterOfTwoRevisions, DrainsAnEngineOnceItsSuccessorIsReady) {
  start(2);
  take_over(2);

  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 draining", "n/engine-1 up", "n/engine-0b up"));
  EXPECT_THAT(roster.to_stop(settled - 1ns), IsEmpty());
  EXPECT_THAT(roster.to_stop(settled), ElementsAre(0));
  EXPECT_THAT(roster.to_stop(settled), IsEmpty()) << "told once";
}

TEST_F(RosterOfTwoRevisions, LetsOpenWorkEndBeforeItStopsAnEngine) {
  start(2);
  roster.quiet(0, false, t0);
  take_over(2);

  EXPECT_THAT(roster.to_stop(t0 + 30s - 1ns), IsEmpty());
  roster.quiet(0, true, t0 + 10s);
  EXPECT_THAT(roster.to_stop(t0 + 10s + node_drain::settle), ElementsAre(0));
}

TEST_F(RosterOfTwoRevisions, GoesOnWithTheNextPlaceOnceThePredecessorHasEnded) {
  start(2);
  take_over(2);
  EXPECT_THAT(roster.due(settled), IsEmpty());
  stops(0, settled);
  EXPECT_THAT(verdicts(), ElementsAre("n/engine-1 up", "n/engine-0b up"));
  EXPECT_EQ(state(1, settled).history.at(0).reason, "was replaced by revision 1");

  start(3, settled);
  take_over(3, settled);
  stops(1, settled + node_drain::settle);
  EXPECT_FALSE(roster.take_outcome());
  EXPECT_THAT(roster.due(settled + 1s), IsEmpty());

  EXPECT_EQ(roster.take_outcome()->failure, "");
  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0b up", "n/engine-1b up"));
  EXPECT_THAT(roster.revisions(), ElementsAre(1u));
  EXPECT_EQ(state(0).restarts, 0u);
}

TEST_F(RosterOfTwoRevisions, TellsTheEndOfAPredecessorAsAStop) {
  start(2);
  take_over(2);
  ASSERT_THAT(roster.to_stop(settled), ElementsAre(0));

  const auto ending =
      roster.ended(0, {exit_cause::stopped, "exited with status 0", {}, false}, settled, 0);

  EXPECT_EQ(ending.down->incarnation, incarnation_id{7});
  EXPECT_EQ(ending.down->cause, "stopped");
  EXPECT_THAT(roster.due(settled), ElementsAre(3)) << "it is not started again";
}

TEST_F(RosterOfTwoRevisions, FailsWithTheReasonOfASuccessorThatEnded) {
  start(2);

  const auto ending =
      roster.ended(2, {exit_cause::exit, "exited with status 1: self_test 1", {}, false}, t0, 0);

  EXPECT_FALSE(ending.down);
  EXPECT_FALSE(ending.quarantined);
  EXPECT_EQ(roster.take_outcome()->failure, "n/engine-0b exited with status 1: self_test 1");
  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 up", "n/engine-1 up"));
  EXPECT_THAT(roster.due(t0 + 1h), IsEmpty());
  EXPECT_THAT(state(0).history.at(0).reason, EndsWith("self_test 1"));
}

TEST_F(RosterOfTwoRevisions, GoesBackWarmWithAPlaceThatWasReplaced) {
  start(2);
  take_over(2);
  stops(0, settled);
  start(3, settled);
  (void)roster.ended(3, {exit_cause::exit, "exited with status 1", {}, false}, settled, 0);
  ASSERT_TRUE(roster.take_outcome());

  ASSERT_THAT(roster.due(settled), ElementsAre(0));
  EXPECT_EQ(roster.revision(0), 0u);
  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 starting", "n/engine-1 up", "n/engine-0b up"));
  take_over(0, settled);

  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 up", "n/engine-1 up", "n/engine-0b draining"));
  stops(2, settled + node_drain::settle);
  EXPECT_THAT(roster.revisions(), ElementsAre(0u));
}

TEST_F(RosterOfTwoRevisions, SupervisesASuccessorFromItsTakingOverOn) {
  start(2);
  take_over(2);
  stops(0, settled);

  (void)roster.ended(2, a_crash(), settled, 0);

  EXPECT_EQ(state(1).verdict, "dead");
  EXPECT_THAT(roster.due(settled + 100ms), ElementsAre(2)) << "and no further step before";
  EXPECT_EQ(roster.revision(2), 1u);
  EXPECT_EQ(state(1).restarts, 1u);
  EXPECT_FALSE(roster.take_outcome());
}

TEST_F(RosterOfTwoRevisions, StopsAtOnceWhatWasNotUpWhenItWasReplaced) {
  start(2);
  (void)roster.ended(0, a_crash(), t0, 0);
  ASSERT_THAT(roster.due(t0 + 100ms), ElementsAre(0));

  take_over(2, t0 + 100ms);

  EXPECT_THAT(roster.to_stop(t0 + 100ms), ElementsAre(0));
}

TEST_F(RosterOfTwoRevisions, DoesNotWaitForAnEngineThatIsNotThere) {
  start(2);
  (void)roster.ended(0, a_crash(), t0, 0);

  take_over(2, t0 + 50ms);

  EXPECT_THAT(roster.to_stop(t0 + 1h), IsEmpty());
  EXPECT_THAT(roster.due(t0 + 1s), ElementsAre(3)) << "nor is it started again";
}

TEST_F(RosterOfTwoRevisions, StopsASuccessorThatANewerRevisionMakesNeedless) {
  start(2);

  roster.aim(2);

  EXPECT_THAT(roster.to_stop(t0), ElementsAre(2));
  (void)roster.ended(2, {exit_cause::stopped, "exited with status 0", {}, false}, t0, 0);
  roster.may_begin(2);
  EXPECT_FALSE(roster.take_outcome());
  ASSERT_THAT(roster.due(t0), ElementsAre(2));
  EXPECT_EQ(roster.revision(2), 2u);
}

TEST_F(RosterOfTwoRevisions, DrainsBothEnginesOfAPlaceThatIsOrderedToDrain) {
  ASSERT_TRUE(roster.order({"n/engine-0", true}));
  start(2);
  take_over(2);
  EXPECT_THAT(verdicts(),
              ElementsAre("n/engine-0 draining", "n/engine-1 up", "n/engine-0b draining"));

  ASSERT_TRUE(roster.order({"n/engine-0b", false}));

  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 draining", "n/engine-1 up", "n/engine-0b up"));
}

TEST_F(RosterOfTwoRevisions, ReplacesAGroupTogetherAndGivesItNoWorkBefore) {
  roster = a_roster("pair", "pair");
  aim();
  ASSERT_THAT(roster.due(t0), ElementsAre(2, 3));
  take_over(3);
  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 up", "n/engine-1 up", "n/engine-0b starting",
                                      "n/engine-1b starting"));

  take_over(2);

  EXPECT_THAT(verdicts(), ElementsAre("n/engine-0 draining", "n/engine-1 draining",
                                      "n/engine-0b up", "n/engine-1b up"));
  EXPECT_THAT(roster.to_stop(settled), ElementsAre(0, 1));
  (void)roster.ended(2, a_crash(), settled, 0);
  EXPECT_EQ(state(3).verdict, "draining") << "the new ones are a group, too";
}

TEST_F(RosterOfTwoRevisions, FailsIfAnEngineOfItIsGivenUpOnTheWay) {
  roster = a_roster("", "", 0);
  aim();
  start(2);
  take_over(2);

  EXPECT_TRUE(roster.ended(2, a_crash(), t0, 0).quarantined);

  EXPECT_THAT(roster.take_outcome()->failure, EndsWith("given up after too many restarts"));
  stops(0, settled);
  EXPECT_THAT(roster.due(settled), ElementsAre(0)) << "back to what was";
}

TEST_F(RosterOfTwoRevisions, DoesNotGiveUpWhileARevisionMayHelp) {
  roster = a_roster("", "", 0);
  aim();
  for (const std::size_t k : {0u, 1u}) EXPECT_TRUE(roster.ended(k, a_crash(), t0, 0).quarantined);
  EXPECT_FALSE(roster.gives_up(t0 + 1h));
  start(2, t0 + 1s);
  EXPECT_FALSE(roster.gives_up(t0 + 1h));

  (void)roster.ended(2, a_crash(), t0 + 2s, 0);

  EXPECT_TRUE(roster.gives_up(t0 + 1h));
}

TEST_F(RosterOfTwoRevisions, LeavesARevisionAloneWhenTheNodeStops) {
  start(2);
  roster.begin_stop(t0);
  (void)roster.ended(2, {exit_cause::stopped, "exited with status 0", {}, false}, t0, 0);

  EXPECT_FALSE(roster.take_outcome());
  EXPECT_THAT(roster.due(t0 + 1h), IsEmpty());
  EXPECT_TRUE(roster.may_stop(settled));
}

TEST_F(EngineRoster, GivesUpWhenEveryEngineIsInQuarantine) {
  roster = a_roster("", "", 0);
  bring_up(t0);
  (void)roster.ended(0, a_crash(), t0, 0);
  EXPECT_FALSE(roster.gives_up(t0 + 1min));
  (void)roster.ended(1, a_crash(), t0, 0);

  EXPECT_TRUE(roster.gives_up(t0 + 1s));
}

}  // namespace

}  // namespace coppice::worker
