#include "scheduler/verdict_figures.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

namespace coppice::scheduler {

void verdict_figures::take(const verdicts::change& change) {
  const std::lock_guard lock{mutex_};
  if (change.now.verdict.empty())
    verdicts_.erase(change.engine);
  else
    verdicts_[change.engine] = change.now.verdict;
}

std::vector<prometheus::MetricFamily> verdict_figures::Collect() const {
  prometheus::MetricFamily family;
  family.name = "coppice_scheduler_engine_verdict";
  family.help = "1 for the engine's verdict, as a label.";
  family.type = prometheus::MetricType::Gauge;
  const std::lock_guard lock{mutex_};
  for (const auto& [engine, verdict] : verdicts_) {
    auto& metric = family.metric.emplace_back();
    metric.label = {{"engine", engine}, {"verdict", verdict}};
    metric.gauge.value = 1;
  }
  return {family};
}

}  // namespace coppice::scheduler
