#include "scheduler/health/verdicts.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gmock/gmock.h>

#include <random>

namespace coppice::scheduler {

using testing::a_holding;
using testing::a_node;
using testing::an_engine;

namespace {

using ::testing::HasSubstr;

const steady_time t0{std::chrono::hours{1}};

/// Time passes in turns; every node that is not silent sends a snapshot every 100 ms.
struct Verdicts : ::testing::Test {
  verdicts judge;
  steady_time at = t0;
  std::map<std::string, proto::node_snapshot> nodes;
  std::set<std::string> silent;
  std::vector<std::string> dead;

  /// A node with one engine of that incarnation: "<node>/engine".
  void put(const std::string& node, std::uint64_t incarnation, const std::string& verdict = "up") {
    auto engine = an_engine(incarnation);
    engine.name = node + "/engine";
    engine.verdict = verdict;
    if (incarnation == 0) engine.models.clear();
    nodes[node] = a_node({engine}, node);
    judge.heard(nodes[node], at);
  }
  /// `n` nodes "0", "1", ... whose engines have been up for long.
  void settle(int n) {
    for (int i = 0; i < n; ++i) put(std::to_string(i), 100 + static_cast<std::uint64_t>(i));
    pass(10s);
  }
  void pass(duration time) {
    for (const auto end = at + time; at < end;) {
      at += 25ms;
      if ((at - t0) % 100ms == 0ms)
        for (const auto& [name, node] : nodes)
          if (!silent.contains(name)) judge.heard(node, at);
      for (auto& node : judge.turn(at)) dead.push_back(node);
    }
  }
  void end(const std::string& node, const std::string& cause = "crash") {
    const auto& engine = nodes[node].engines.front();
    judge.ended({engine.name, engine.incarnation, "killed by signal 11", {}, cause}, at);
    put(node, 0, "dead");
  }
  void restart(const std::string& node, const std::string& cause = "crash") {
    end(node, cause);
    put(node, next_incarnation++);
  }
  void report(const std::string& node, std::uint32_t completed, std::uint32_t failed,
              std::uint64_t us_each = 1000) {
    auto seen = a_holding(nodes[node].engines.front().incarnation.value, 1);
    seen.completed = completed;
    seen.failed = failed;
    seen.latency_us = completed * us_each;
    judge.reported("gateway-1/0", {seen}, at);
  }
  /// Others succeed, that one fails.
  void fail(const std::string& node) {
    for (const auto& [name, each] : nodes)
      if (name != node) report(name, 10, 0);
    report(node, 0, 3);
    pass(25ms);
  }
  standing of(const std::string& node) const { return judge.of(node + "/engine"); }
  std::string verdict(const std::string& node) const { return of(node).verdict; }

  std::uint64_t next_incarnation = 1000;
};

// --- start and silence ---

TEST_F(Verdicts, AFreshClusterIsUpInFull) {
  for (int i = 0; i < 4; ++i) put(std::to_string(i), 0, "starting");
  pass(3s);
  for (int i = 0; i < 4; ++i) put(std::to_string(i), 100 + static_cast<std::uint64_t>(i));

  for (int i = 0; i < 4; ++i) EXPECT_EQ(of(std::to_string(i)), standing{}) << i;
}

TEST_F(Verdicts, AnEngineWhoseNodeIsSilentIsSuspectAndGetsNothing) {
  settle(1);
  silent.insert("0");

  pass(375ms);
  EXPECT_EQ(verdict("0"), "up");

  pass(25ms);
  EXPECT_EQ(verdict("0"), "suspect");
  EXPECT_EQ(of("0").percent, 0u);
  EXPECT_EQ(judge.of_node("0", at).verdict, "suspect");

  judge.heard(nodes["0"], at);
  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, NamesANodeThatIsDeadBySilenceOnce) {
  settle(1);
  silent.insert("0");

  pass(475ms);
  EXPECT_TRUE(dead.empty());
  pass(1s);

  EXPECT_EQ(dead, std::vector<std::string>{"0"});
  EXPECT_EQ(judge.of_node("0", at).verdict, "dead");
}

TEST_F(Verdicts, ASilentNodeWhoseEngineAnswersAGatewayIsSuspectAndNotDead) {
  settle(1);
  silent.insert("0");

  for (int i = 0; i < 30; ++i, pass(100ms)) report("0", 5, 0);

  EXPECT_TRUE(dead.empty());
  EXPECT_EQ(verdict("0"), "suspect");
  EXPECT_EQ(of("0").percent, 0u);
  EXPECT_THAT(judge.of_node("0", at).reason, HasSubstr("gateways get replies"));

  // The last report proves that it lived when the one before was made, 200 ms ago.
  pass(275ms);
  EXPECT_TRUE(dead.empty());
  pass(25ms);
  EXPECT_EQ(dead.size(), 1u);
}

TEST_F(Verdicts, OnlyAnswersSinceAnEarlierReportAreAProofOfLife) {
  settle(1);
  silent.insert("0");

  pass(400ms);
  report("0", 5, 0);  // the first one: of any time
  pass(50ms);
  report("0", 0, 5);  // its link dropped, perhaps
  pass(50ms);

  EXPECT_EQ(dead.size(), 1u);
}

TEST_F(Verdicts, ARefusalIsAProofOfLife) {
  settle(1);
  silent.insert("0");
  auto refusing = a_holding(100, 1);
  refusing.refused = 1;

  pass(400ms);
  judge.reported("gateway-1/0", {}, at);
  pass(50ms);
  judge.reported("gateway-1/0", {refusing}, at);
  pass(100ms);

  EXPECT_TRUE(dead.empty());
}

TEST_F(Verdicts, KeepsHalfOfFourNodesSuspectForTwoSecondsBeforeItBelievesThemDead) {
  settle(4);
  silent = {"0", "1"};

  pass(1975ms);
  EXPECT_TRUE(dead.empty());
  EXPECT_EQ(verdict("0"), "suspect");

  pass(25ms);
  EXPECT_EQ(dead.size(), 2u);
}

TEST_F(Verdicts, AFrozenSchedulerThawsWithoutDeclaringAnybodyDead) {
  settle(2);

  at += 10s;
  EXPECT_TRUE(judge.turn(at).empty());
  EXPECT_EQ(verdict("0"), "up");
  pass(5s);

  EXPECT_TRUE(dead.empty());
}

TEST_F(Verdicts, ANodeWhoseProcessEndedIsDeadWithThatReason) {
  settle(1);

  judge.node_ended("0", "its worker process ended", at);

  EXPECT_EQ(judge.of_node("0", at).verdict, "dead");
  EXPECT_EQ(judge.of_node("0", at).reason, "its worker process ended");
}

TEST_F(Verdicts, ANodeWhoseEnginesAllDrainDrains) {
  settle(1);

  put("0", 100, "draining");

  EXPECT_EQ(judge.of_node("0", at).verdict, "draining");
}

TEST_F(Verdicts, WhatAWorkerSaysOfAnEngineThatIsNotUpHolds) {
  for (const auto* said : {"starting", "hung", "draining", "quarantined", "dead"}) {
    put("0", said == std::string{"draining"} ? 100 : 0, said);
    EXPECT_EQ(verdict("0"), said);
    EXPECT_EQ(of("0").percent, 0u);
  }
}

// --- probation ---

TEST_F(Verdicts, ARestartedEngineStartsSlowlyWhileOthersAreUp) {
  settle(2);

  restart("0");

  EXPECT_EQ(verdict("0"), "probation");
  std::vector<std::uint32_t> shares;
  for (int step = 0; step < 5; ++step, pass(2s)) shares.push_back(of("0").percent);
  EXPECT_EQ(shares, (std::vector<std::uint32_t>{10, 20, 40, 80, 100}));
  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, AnEngineThatWasStoppedInGoodOrderHasItsWholeShareInASecond) {
  settle(2);

  restart("0", "stopped");

  EXPECT_EQ(verdict("0"), "probation");
  std::vector<std::uint32_t> shares;
  for (int step = 0; step < 5; ++step, pass(250ms)) shares.push_back(of("0").percent);
  EXPECT_EQ(shares, (std::vector<std::uint32_t>{10, 20, 40, 80, 100}));
}

TEST_F(Verdicts, AStopDoesNotShortenTheProbationOfAnEngineThatFlaps) {
  settle(2);
  for (int death = 0; death < 3; ++death) {
    restart("0");
    pass(10s);
  }

  restart("0", "stopped");

  pass(9975ms);
  EXPECT_EQ(of("0").percent, 10u);
}

TEST_F(Verdicts, ALoneEngineIsNotThrottledAfterARestart) {
  settle(1);

  restart("0");

  EXPECT_EQ(of("0"), standing{});
}

TEST_F(Verdicts, AnEngineOfAnotherModelIsNoReasonForProbation) {
  settle(2);
  nodes["1"].engines[0].models[0].name = "other";
  nodes["1"].engines[0].incarnation = {5};
  judge.heard(nodes["1"], at);
  pass(10s);

  restart("0");

  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, OnlyAnEngineThatHasBeenUpFor8SecondsIsAReasonForProbation) {
  settle(1);
  put("1", 200);

  pass(7975ms);
  restart("0");
  EXPECT_EQ(verdict("0"), "up");

  pass(25ms);
  restart("0");
  EXPECT_EQ(verdict("0"), "probation");
}

TEST_F(Verdicts, AnEngineThatFailsOnProbationStaysAtItsShare) {
  settle(2);
  restart("0");

  pass(1900ms);
  report("1", 10, 0);
  report("0", 0, 1);
  pass(1s);
  EXPECT_EQ(of("0").percent, 10u);

  report("0", 1, 0);
  pass(2s);
  EXPECT_EQ(of("0").percent, 20u);
}

TEST_F(Verdicts, ThreeDeathsInAMinuteMakeProbationFiveTimesAsLong) {
  settle(2);
  for (int death = 0; death < 3; ++death) {
    restart("0");
    pass(10s);
  }

  EXPECT_EQ(of("0").percent, 20u);  // the third: 10 s a step
}

TEST_F(Verdicts, ThreeDeathsInMoreThanAMinuteDoNot) {
  settle(2);
  restart("0");
  pass(30s);
  restart("0");
  pass(30s);
  restart("0");

  pass(10s);

  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, AStopIsNoDeathThatCountsAsFlapping) {
  settle(2);
  for (int stop = 0; stop < 5; ++stop) {
    restart("0", "stopped");
    EXPECT_EQ(verdict("0"), "probation");
    pass(10s);
    EXPECT_EQ(verdict("0"), "up");
  }
}

// --- outliers ---

TEST_F(Verdicts, AnEngineThatFailsWhereOthersSucceedIsQuarantinedFor30Seconds) {
  settle(2);

  fail("0");
  EXPECT_EQ(verdict("0"), "quarantined");
  EXPECT_EQ(of("0").percent, 0u);
  EXPECT_THAT(of("0").reason, HasSubstr("3 attempts on 'echo' failed in a row"));

  pass(29975ms);
  EXPECT_EQ(verdict("0"), "quarantined");
  pass(25ms);
  EXPECT_EQ(verdict("0"), "probation");
  EXPECT_EQ(of("0").percent, 10u);
  pass(8s);
  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, ASlowEngineIsQuarantined) {
  settle(2);
  for (int second = 0; second < 3; ++second) {
    EXPECT_EQ(verdict("0"), "up");
    report("0", 20, 0, 50'000);
    report("1", 20, 0, 1'000);
    pass(1s);
  }

  EXPECT_EQ(verdict("0"), "quarantined");
  EXPECT_EQ(verdict("1"), "up");
}

TEST_F(Verdicts, TheSecondQuarantineIsTwiceAsLong) {
  settle(2);
  fail("0");
  pass(30s);

  fail("0");
  pass(59950ms);
  EXPECT_EQ(verdict("0"), "quarantined");

  pass(50ms);
  EXPECT_EQ(verdict("0"), "probation");
}

TEST_F(Verdicts, TenGoodMinutesEndAStreak) {
  settle(2);
  fail("0");
  pass(30s);
  pass(10min);

  fail("0");
  pass(30s);

  EXPECT_EQ(verdict("0"), "probation");
}

TEST_F(Verdicts, QuarantinesAtMostThirtyPercentOfAModelsEngines) {
  settle(10);
  const auto quarantined = [&] {
    return std::ranges::count_if(
        nodes, [&](const auto& node) { return verdict(node.first) == "quarantined"; });
  };

  for (const auto* node : {"0", "1", "2"}) fail(node);
  EXPECT_EQ(quarantined(), 3);

  fail("3");
  EXPECT_EQ(quarantined(), 3);
}

TEST_F(Verdicts, NeverQuarantinesTheLastEngineThatTakesWork) {
  settle(3);
  silent = {"1", "2"};
  pass(450ms);
  ASSERT_EQ(verdict("1"), "suspect");

  fail("0");

  EXPECT_EQ(verdict("0"), "up");
}

TEST_F(Verdicts, ARestartEndsAQuarantine) {
  settle(2);
  fail("0");

  restart("0");

  EXPECT_EQ(verdict("0"), "probation");
}

TEST_F(Verdicts, IgnoresReportsOfIncarnationsThatEnded) {
  settle(2);
  const auto before = nodes["0"];
  restart("0");
  pass(8s);

  nodes["0"].engines[0].incarnation = before.engines[0].incarnation;
  report("1", 10, 0);
  report("0", 0, 3);

  pass(25ms);
  EXPECT_EQ(verdict("0"), "up");
}

// --- changes ---

TEST_F(Verdicts, TellsEveryChangeOnceAndTheEndOfAnEngine) {
  put("0", 100);
  (void)judge.take_changes();
  put("0", 100, "draining");
  nodes["0"].engines.clear();
  judge.heard(nodes["0"], at);

  const auto changes = judge.take_changes();

  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].now.verdict, "draining");
  EXPECT_EQ(changes[1].engine, "0/engine");
  EXPECT_EQ(changes[1].now.verdict, "");
  EXPECT_TRUE(judge.take_changes().empty());
}

TEST_F(Verdicts, ForgetsANodeWithItsEngines) {
  settle(1);

  judge.forget_node("0");

  EXPECT_EQ(of("0"), standing{});
  pass(0s);
  EXPECT_TRUE(judge.turn(at + 1h).empty());
}

/// Whatever happens: a share is 0 exactly where the verdict says so, and never are all engines of a
/// model in quarantine.
TEST_F(Verdicts, HoldItsRulesUnderRandomEvents) {
  std::mt19937 generator{11};
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  settle(5);
  for (int step = 0; step < 20'000; ++step) {
    const auto node = std::to_string(random() % 5);
    switch (random() % 8) {
      case 0:
        restart(node);
        break;
      case 1:
        end(node);
        break;
      case 2:
        put(node, nodes[node].engines[0].incarnation.value ? 0 : next_incarnation++, "up");
        break;
      case 3:
        fail(node);
        break;
      case 4:
        silent.contains(node) ? (void)silent.erase(node) : (void)silent.insert(node);
        break;
      case 5:
        report(node, random() % 30, random() % 3, random() % 100'000);
        break;
      default:
        pass(25ms * (random() % 40));
    }
    int quarantined = 0, up = 0;
    for (const auto& [name, each] : nodes) {
      const auto now = of(name);
      const bool works = now.verdict == "up" || now.verdict == "probation";
      ASSERT_EQ(works, now.percent > 0) << now.verdict << " step " << step;
      ASSERT_LE(now.percent, 100u);
      quarantined += now.verdict == "quarantined";
      up += each.engines[0].verdict == "up";
    }
    ASSERT_TRUE(quarantined <= 1 || quarantined < up) << "step " << step;
  }
}

}  // namespace

}  // namespace coppice::scheduler
