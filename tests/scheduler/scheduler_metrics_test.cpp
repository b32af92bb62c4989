#include "scheduler/scheduler_metrics.hpp"

#include <gtest/gtest.h>

namespace coppice::scheduler {

namespace {

double value(metrics& registry, const char* name, const char* verdict) {
  return registry.counter(name, "", {{"verdict", verdict}}).Value();
}

TEST(SchedulerMetrics, CountVerdictsAndJudgementsByTheirKind) {
  metrics registry;
  scheduler_metrics counts{registry};

  counts.count(verdicts::change{"node/engine-0", true, {"suspect", "silent", 0}});
  counts.count(proto::judgement{{1, 1}, "convicted", "", 1});

  EXPECT_EQ(value(registry, "coppice_scheduler_verdict_changes_total", "suspect"), 1);
  EXPECT_EQ(value(registry, "coppice_scheduler_verdict_changes_total", "up"), 0);
  EXPECT_EQ(value(registry, "coppice_scheduler_judgements_total", "convicted"), 1);
}

TEST(SchedulerMetrics, CountNothingForAVerdictOfAnotherBuild) {
  metrics registry;
  scheduler_metrics counts{registry};

  counts.count(verdicts::change{"node/engine-0", true, {"unheard of", "", 0}});

  EXPECT_EQ(value(registry, "coppice_scheduler_verdict_changes_total", "up"), 0);
}

TEST(SchedulerMetrics, CountEachTimeADoubtBegins) {
  metrics registry;
  scheduler_metrics counts{registry};
  const auto begun = [&] {
    return registry.counter("coppice_scheduler_self_doubts_total", "").Value();
  };

  EXPECT_FALSE(counts.count_doubt(false));
  EXPECT_TRUE(counts.count_doubt(true));
  EXPECT_FALSE(counts.count_doubt(true));
  EXPECT_EQ(begun(), 1);
  EXPECT_EQ(registry.gauge("coppice_scheduler_in_doubt", "").Value(), 1);
  counts.count_doubt(false);
  EXPECT_EQ(registry.gauge("coppice_scheduler_in_doubt", "").Value(), 0);
  EXPECT_TRUE(counts.count_doubt(true));
  EXPECT_EQ(begun(), 2);
}

}  // namespace

}  // namespace coppice::scheduler
