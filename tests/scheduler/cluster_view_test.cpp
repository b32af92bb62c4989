#include "scheduler/cluster_view.hpp"

#include "tests/scheduler/placement/builders.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

using testing::a_holding;
using testing::a_node;
using testing::a_place;
using testing::an_engine;

namespace {

const steady_time t0{std::chrono::hours{1}};

std::set<std::uint64_t> incarnations_in(const proto::place_reply& reply) {
  std::set<std::uint64_t> all;
  for (const auto& grant : reply.grants) all.insert(grant.incarnation.value);
  return all;
}

/// Nodes "a" and "b", each with one engine ("a/engine", incarnation 1; "b/engine", 2).
struct ClusterView : ::testing::Test {
  cluster_view view;
  std::uint64_t seq = 0;

  ClusterView() {
    show("a", 1, t0);
    show("b", 2, t0);
    (void)view.turn(t0);
  }
  cluster_view::news show(const std::string& node, std::uint64_t incarnation, steady_time now,
                          const std::string& verdict = "up") {
    auto engine = an_engine(incarnation);
    engine.name = node + "/engine";
    engine.verdict = verdict;
    return view.take(a_node({engine}, node, ++seq), now);
  }
  std::set<std::uint64_t> placed(steady_time now) {
    return incarnations_in(view.place(a_place(16), now));
  }
  /// Turns until `now`; node "b" is heard, "a" is not.
  std::vector<cluster_view::news> silence_of_a(duration length) {
    std::vector<cluster_view::news> all;
    for (auto at = t0 + 25ms; at <= t0 + length; at += 25ms) {
      if ((at - t0) % 100ms == 0ms) show("b", 2, at);
      all.push_back(view.turn(at));
    }
    return all;
  }
};

TEST_F(ClusterView, PlacesNothingOnASilentNodeBeforeItIsDead) {
  EXPECT_EQ(placed(t0), (std::set<std::uint64_t>{1, 2}));

  const auto news = silence_of_a(400ms);

  for (const auto& each : news) EXPECT_TRUE(each.downs.empty());
  EXPECT_EQ(placed(t0 + 400ms), std::set<std::uint64_t>{2});
}

TEST_F(ClusterView, EndsTheEnginesOfADeadNodeAsLost) {
  const auto news = silence_of_a(500ms);

  const auto& last = news.back();
  ASSERT_EQ(last.downs.size(), 1u);
  EXPECT_EQ(last.downs[0].incarnation, incarnation_id{1});
  EXPECT_EQ(last.downs[0].cause, "silent");
  EXPECT_EQ(last.silent_nodes, 1u);
  ASSERT_FALSE(last.standings.empty());
  EXPECT_EQ(last.standings.back().now.verdict, "dead");
  EXPECT_EQ(view.nodes(t0 + 500ms)[0].verdict, "dead");
}

TEST_F(ClusterView, KeepsTheEnginesOfASilentNodeThatAnswerGateways) {
  auto answered = a_holding(1, 1);
  answered.completed = 3;
  for (auto at = t0 + 25ms; at <= t0 + 8s; at += 25ms) {
    if ((at - t0) % 100ms == 0ms) show("b", 2, at);
    const auto placed_on = incarnations_in(view.place(a_place(4, {answered}), at));
    if (at - t0 >= 450ms) EXPECT_FALSE(placed_on.contains(1));
    EXPECT_TRUE(view.turn(at).downs.empty());
    if (at - t0 == 5s) EXPECT_TRUE(view.node_ended("a", at).downs.empty()) << "its link broke";
  }

  EXPECT_EQ(view.nodes(t0 + 8s)[0].verdict, "suspect");
}

TEST_F(ClusterView, EndsTheEnginesOfASilentNodeWhoseLinkBreaksIfNobodyHearsThem) {
  (void)silence_of_a(400ms);

  const auto news = view.node_ended("a", t0 + 400ms);

  ASSERT_EQ(news.downs.size(), 1u);
  EXPECT_EQ(news.downs[0].cause, "lost");
}

TEST_F(ClusterView, AFreshSchedulerShowsTheRestartsThatNodesTell) {
  auto engine = an_engine(1);
  engine.restarts = 2;
  engine.history = {{1500, "crash", "was killed by signal 11 (SIGSEGV)", 11, 0, {{4}}}};
  cluster_view fresh;

  (void)fresh.take(a_node({engine}, "a", 9), t0);

  const auto shown = fresh.nodes(t0).at(0).engines.at(0);
  EXPECT_EQ(shown.restarts, 2u);
  ASSERT_EQ(shown.history.size(), 1u);
  EXPECT_EQ(shown.history[0].signal, 11u);
  EXPECT_EQ(shown.history[0].suspects, std::vector{attempt_id{4}});
}

TEST_F(ClusterView, PassesOnWhoIsSuspectedOfACrash) {
  const auto news = view.engine_down({"a/engine", {1}, "signal 11", {{4}}, "crash"}, t0);

  ASSERT_EQ(news.downs.size(), 1u);
  EXPECT_EQ(news.downs[0].suspects, std::vector{attempt_id{4}});
  EXPECT_EQ(placed(t0), std::set<std::uint64_t>{2});
}

TEST_F(ClusterView, StartsARestartedEngineSlowly) {
  show("b", 2, t0 + 10s);
  (void)view.engine_down({"a/engine", {1}, "signal 11", {}, "crash"}, t0 + 10s);

  const auto news = show("a", 3, t0 + 10s);

  ASSERT_EQ(news.standings.size(), 1u);
  EXPECT_EQ(news.standings[0].now.verdict, "probation");
  std::map<std::uint64_t, std::uint32_t> rows;
  for (const auto& grant : view.place(a_place(16), t0 + 10s).grants)
    rows[grant.incarnation.value] += grant.rows;
  EXPECT_EQ(rows[2], 8u);
  EXPECT_EQ(rows[3], 1u);
}

TEST_F(ClusterView, JudgesEnginesByWhatPlacesReport) {
  auto good = a_holding(2, 0), bad = a_holding(1, 0);
  good.completed = 10;
  bad.failed = 3;
  (void)view.place(a_place(0, {good, bad}), t0);

  const auto news = view.turn(t0 + 25ms);

  ASSERT_EQ(news.standings.size(), 1u);
  EXPECT_EQ(news.standings[0].now.verdict, "quarantined");
  EXPECT_EQ(placed(t0 + 25ms), std::set<std::uint64_t>{2});
}

TEST_F(ClusterView, DrainsAnEngineWithTheConsentOfEveryGateway) {
  (void)view.gateway_joined("gateway", t0);
  EXPECT_EQ(view.drain_status("a").state, "serving");

  const auto news = show("a", 1, t0, "draining");

  ASSERT_EQ(news.notices.size(), 1u);
  EXPECT_EQ(news.notices[0].first, "gateway");
  EXPECT_EQ(placed(t0), std::set<std::uint64_t>{2});
  EXPECT_EQ(view.drain_status("a").state, "draining");

  view.acknowledged({"gateway", {{1}}, 0});
  EXPECT_EQ(view.drain_status("a/engine").state, "drained");

  show("a", 1, t0);
  EXPECT_EQ(view.drain_status("a").state, "serving");
  EXPECT_EQ(placed(t0 + 1s), (std::set<std::uint64_t>{1, 2}));
}

TEST_F(ClusterView, TellsANewGatewayWhatIsPoison) {
  (void)view.tried({"gateway", {1, 1}, true}, t0);

  const auto judgements = view.gateway_joined("other", t0);

  ASSERT_EQ(judgements.size(), 1u);
  EXPECT_EQ(judgements[0].verdict, "convicted");
}

TEST_F(ClusterView, GivesTheTrialOfADeadGatewayToAnother) {
  EXPECT_EQ(view.suspect({"one", {{1, 1}}}, t0).judgements.at(0).gateway, "one");
  (void)view.suspect({"two", {{1, 1}}}, t0);

  EXPECT_EQ(view.gateway_gone("one", t0).judgements.at(0).gateway, "two");
}

TEST_F(ClusterView, ForgetsALostNodeAfterTenMinutes) {
  (void)view.node_ended("a", t0);
  show("b", 2, t0 + 10min);
  EXPECT_EQ(view.nodes(t0 + 10min).size(), 2u);

  const auto news = view.turn(t0 + 10min);

  EXPECT_TRUE(news.catalogue_changed);
  EXPECT_EQ(view.nodes(t0 + 10min).size(), 1u);
}

TEST_F(ClusterView, IgnoresASnapshotThatIsOlderThanTheLast) {
  seq -= 2;

  const auto news = show("b", 9, t0);

  EXPECT_TRUE(news.downs.empty());
  EXPECT_TRUE(news.standings.empty());
}

}  // namespace

}  // namespace coppice::scheduler
