#include "scheduler/verdict_figures.hpp"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

namespace coppice::scheduler {

namespace {

TEST(VerdictFigures, ShowTheLastVerdictOfEveryEngine) {
  verdict_figures figures;

  figures.take({"node/engine-0", true, {"up", "", 100}});
  figures.take({"node/engine-0", true, {"suspect", "silent", 0}});
  figures.take({"node/engine-1", true, {"up", "", 100}});

  const auto family = figures.Collect().at(0);
  EXPECT_EQ(family.name, "coppice_scheduler_engine_verdict");
  ASSERT_EQ(family.metric.size(), 2u);
  EXPECT_EQ(family.metric[0].label[1].value, "suspect");
  EXPECT_EQ(family.metric[0].gauge.value, 1);
}

TEST(VerdictFigures, ForgetAnEngineThatIsGone) {
  verdict_figures figures;
  figures.take({"node/engine-0", true, {"up", "", 100}});

  figures.take({"node/engine-0", true, {"", "", 0}});

  EXPECT_TRUE(figures.Collect().at(0).metric.empty());
}

}  // namespace

}  // namespace coppice::scheduler
