#pragma once

#include "base/metrics.hpp"
#include "scheduler/verdict_figures.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace coppice::scheduler {

/// What a scheduler counts; docs/operations.md lists it.
struct scheduler_metrics {
  explicit scheduler_metrics(metrics& registry);

  void count(const verdicts::change& change);
  void count(const proto::judgement& judged);
  /// Whether the scheduler doubts itself now. @returns whether it has just begun to.
  bool count_doubt(bool doubts);

  prometheus::Counter& places;
  prometheus::Counter& granted;
  prometheus::Counter& refused;
  prometheus::Counter& engines_lost;
  prometheus::Counter& nodes_silent;

 private:
  prometheus::Counter& doubts_;
  prometheus::Gauge& in_doubt_;
  std::map<std::string, prometheus::Counter*, std::less<>> verdict_changes_;
  std::map<std::string, prometheus::Counter*, std::less<>> judgements_;
  std::shared_ptr<verdict_figures> verdicts_ = std::make_shared<verdict_figures>();
};

}  // namespace coppice::scheduler
