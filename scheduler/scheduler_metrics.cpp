#include "scheduler/scheduler_metrics.hpp"

namespace coppice::scheduler {

scheduler_metrics::scheduler_metrics(metrics& registry)
    : places{registry.counter("coppice_scheduler_places_total", "Placement requests answered.")},
      granted{registry.counter("coppice_scheduler_granted_rows_total",
                               "Rows of credit granted to gateways.")},
      refused{registry.counter("coppice_scheduler_refused_wants_total",
                               "Wants that got less than they asked for.")},
      engines_lost{registry.counter("coppice_scheduler_engines_lost_total",
                                    "Incarnations that ended, by any evidence.")},
      nodes_silent{registry.counter("coppice_scheduler_nodes_silent_total",
                                    "Nodes declared dead because their snapshots stopped.")},
      doubts_{registry.counter("coppice_scheduler_self_doubts_total",
                               "Times so many nodes fell silent together that none was believed "
                               "to be dead at once.")},
      in_doubt_{registry.gauge("coppice_scheduler_in_doubt",
                               "1 while silent nodes are spared because so many are silent.")} {
  for (const auto* verdict :
       {"starting", "up", "suspect", "dead", "hung", "draining", "quarantined", "probation"})
    verdict_changes_[verdict] =
        &registry.counter("coppice_scheduler_verdict_changes_total",
                          "Engines that were given another verdict.", {{"verdict", verdict}});
  for (const auto* verdict : {"trial", "convicted", "cleared"})
    judgements_[verdict] =
        &registry.counter("coppice_scheduler_judgements_total",
                          "Judgements of content that may kill engines.", {{"verdict", verdict}});
  registry.add(verdicts_);
}

void scheduler_metrics::count(const verdicts::change& change) {
  verdicts_->take(change);
  // A worker of another version may have a verdict that is not known here.
  if (const auto found = verdict_changes_.find(change.now.verdict); found != verdict_changes_.end())
    found->second->Increment();
}

void scheduler_metrics::count(const proto::judgement& judged) {
  judgements_.at(judged.verdict)->Increment();
}

bool scheduler_metrics::count_doubt(bool doubts) {
  const bool begins = doubts && in_doubt_.Value() == 0;
  if (begins) doubts_.Increment();
  in_doubt_.Set(doubts ? 1 : 0);
  return begins;
}

}  // namespace coppice::scheduler
