#include "worker/node/node_metrics.hpp"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <limits>
#include <map>

namespace coppice::worker {

namespace {

prometheus::MetricFamily family(const std::vector<prometheus::MetricFamily>& all,
                                const std::string& name) {
  for (const auto& each : all)
    if (each.name == name) return each;
  ADD_FAILURE() << "no " << name;
  return {};
}

proto::engine_state an_engine() {
  proto::model_load load;
  load.model = "echo";
  load.version = 1;
  load.completed = 7;
  load.compute_us = {{100, 2}, {1000, 3}, {std::numeric_limits<std::uint64_t>::max(), 1}};
  load.compute_us_sum = 2'000'000;
  load.releases = {{"size", 4}};
  proto::engine_state engine;
  engine.name = "node-1/engine-1";
  engine.verdict = "up";
  engine.restarts = 2;
  engine.loads = {load};
  return engine;
}

TEST(NodeMetrics, ShowAnEnginesStateAndTotals) {
  engine_figures figures;
  figures.set({an_engine()});
  const auto all = figures.Collect();

  EXPECT_EQ(family(all, "coppice_worker_engine_up").metric[0].gauge.value, 1);
  EXPECT_EQ(family(all, "coppice_worker_engine_restarts_total").metric[0].counter.value, 2);
  EXPECT_EQ(family(all, "coppice_engine_completed_total").metric[0].counter.value, 7);
  const auto release = family(all, "coppice_engine_batches_total").metric[0];
  EXPECT_EQ(release.counter.value, 4);
  EXPECT_EQ(release.label.back().value, "size");
}

TEST(NodeMetrics, BucketsAreCumulativeAndInSeconds) {
  engine_figures figures;
  figures.set({an_engine()});

  const auto times =
      family(figures.Collect(), "coppice_engine_compute_seconds").metric[0].histogram;
  ASSERT_EQ(times.bucket.size(), 3u);
  EXPECT_DOUBLE_EQ(times.bucket[0].upper_bound, 1e-4);
  EXPECT_EQ(times.bucket[1].cumulative_count, 5u);
  EXPECT_EQ(times.bucket[2].upper_bound, std::numeric_limits<double>::infinity());
  EXPECT_EQ(times.sample_count, 6u);
  EXPECT_DOUBLE_EQ(times.sample_sum, 2.0);
}

TEST(NodeMetrics, AnEngineThatIsNotUpShowsItsVerdict) {
  auto engine = an_engine();
  engine.verdict = "quarantined";
  engine_figures figures;
  figures.set({engine});
  const auto all = figures.Collect();

  EXPECT_EQ(family(all, "coppice_worker_engine_up").metric[0].gauge.value, 0);
  EXPECT_EQ(family(all, "coppice_worker_engine_verdict").metric[0].label.back().value,
            "quarantined");
}

TEST(NodeMetrics, CountEnginesByVerdictAndShowThatThereIsNone) {
  auto lost = an_engine();
  lost.verdict = "quarantined";
  engine_figures figures;
  figures.set({an_engine(), lost, lost});

  std::map<std::string, double> counted;
  for (const auto& metric : family(figures.Collect(), "coppice_worker_engines").metric)
    counted[metric.label.front().value] = metric.gauge.value;
  EXPECT_EQ(counted["up"], 1);
  EXPECT_EQ(counted["quarantined"], 2);
  EXPECT_TRUE(counted.contains("hung"));
  EXPECT_EQ(counted["hung"], 0);
}

TEST(NodeMetrics, ShowHowTheNodeStandsToItsDesiredState) {
  metrics registry;
  const revision_gauges gauges{registry};
  proto::node_snapshot node;
  node.revision = 4;
  node.target_revision = 5;
  node.convergence = "converging";
  gauges.set(node);

  const auto state = [&](const char* name) {
    return registry.gauge("coppice_worker_convergence", "", {{"state", name}}).Value();
  };
  EXPECT_EQ(registry.gauge("coppice_worker_revision", "").Value(), 4);
  EXPECT_EQ(registry.gauge("coppice_worker_target_revision", "").Value(), 5);
  EXPECT_EQ(state("converging"), 1);
  EXPECT_EQ(state("converged"), 0);
  EXPECT_EQ(state("failed"), 0);
}

TEST(NodeMetrics, CountWhatHappenedToEachEngine) {
  metrics registry;
  const node_counts counts{registry, {"n/engine-0", "n/engine-1"}};
  counts.ended(1, exit_cause::memory);
  counts.escalated(1);
  counts.tried(0);

  const auto value = [&](const char* name, metric_labels labels) {
    return registry.counter(name, "", labels).Value();
  };
  EXPECT_EQ(
      value("coppice_worker_engine_ends_total", {{"engine", "n/engine-1"}, {"cause", "memory"}}),
      1);
  EXPECT_EQ(
      value("coppice_worker_engine_ends_total", {{"engine", "n/engine-0"}, {"cause", "memory"}}),
      0);
  EXPECT_EQ(value("coppice_worker_escalations_total", {{"engine", "n/engine-1"}}), 1);
  EXPECT_EQ(value("coppice_worker_trials_total", {{"engine", "n/engine-0"}}), 1);
}

}  // namespace

}  // namespace coppice::worker
