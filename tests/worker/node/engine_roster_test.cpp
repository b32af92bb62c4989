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
