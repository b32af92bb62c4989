#include "worker/node/node_metrics.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <limits>

namespace coppice::worker {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

ClientMetric& add(MetricFamily& to, labels of) {
  auto& metric = to.metric.emplace_back();
  metric.label = std::move(of);
  return metric;
}

void add_value(MetricFamily& to, labels of, std::uint64_t value) {
  auto& metric = add(to, std::move(of));
  (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) =
      static_cast<double>(value);
}

void add_histogram(MetricFamily& to, labels of, const std::vector<proto::bucket_count>& buckets,
                   double scale, double sum) {
  auto& histogram = add(to, std::move(of)).histogram;
  std::uint64_t total = 0;
  for (const auto& bucket : buckets) {
    total += bucket.count;
    const bool last = bucket.le == std::numeric_limits<std::uint64_t>::max();
    histogram.bucket.push_back({total, last ? std::numeric_limits<double>::infinity()
                                            : static_cast<double>(bucket.le) * scale});
  }
  histogram.sample_count = total;
  histogram.sample_sum = sum;
}

/// How many engines have each verdict a worker gives; those that none has are shown as 0.
MetricFamily by_verdict(const std::vector<proto::engine_state>& engines) {
  auto all = family("coppice_worker_engines", "Engines by verdict.", MetricType::Gauge);
  for (const auto* verdict : {"starting", "up", "dead", "hung", "draining", "quarantined"})
    add_value(all, {{"verdict", verdict}},
              static_cast<std::uint64_t>(
                  std::ranges::count(engines, verdict, &proto::engine_state::verdict)));
  return all;
}

struct engine_families {
  MetricFamily up =
      family("coppice_worker_engine_up", "1 while the engine takes work.", MetricType::Gauge);
  MetricFamily restarts = family("coppice_worker_engine_restarts_total",
                                 "Times the engine was started again.", MetricType::Counter);
  MetricFamily verdict = family("coppice_worker_engine_verdict",
                                "1 for the engine's verdict, as a label.", MetricType::Gauge);
  MetricFamily completed = family("coppice_engine_completed_total",
                                  "Attempts answered with outputs.", MetricType::Counter);
  MetricFamily failed = family("coppice_engine_failed_total", "Attempts answered with an error.",
                               MetricType::Counter);
  MetricFamily refused = family("coppice_engine_refused_total",
                                "Attempts beyond the engine's capacity.", MetricType::Counter);
  MetricFamily queued =
      family("coppice_engine_queued_rows", "Rows that wait in the engine.", MetricType::Gauge);
  MetricFamily running =
      family("coppice_engine_running_rows", "Rows in a step now.", MetricType::Gauge);
  MetricFamily rows =
      family("coppice_engine_batch_rows", "Rows of a batch.", MetricType::Histogram);
  MetricFamily seconds =
      family("coppice_engine_compute_seconds", "Time of one step.", MetricType::Histogram);
  MetricFamily releases =
      family("coppice_engine_batches_total", "Batches by the reason for which they left the queue.",
             MetricType::Counter);
};

void add_load(engine_families& to, const std::string& engine, const proto::model_load& load) {
  const labels of{
      {"engine", engine}, {"model", load.model}, {"version", std::to_string(load.version)}};
  add_value(to.completed, of, load.completed);
  add_value(to.failed, of, load.failed);
  add_value(to.refused, of, load.refused);
  add_value(to.queued, of, load.queued_rows);
  add_value(to.running, of, load.running_rows);
  add_histogram(to.rows, of, load.batch_rows, 1, static_cast<double>(load.completed + load.failed));
  add_histogram(to.seconds, of, load.compute_us, 1e-6,
                static_cast<double>(load.compute_us_sum) * 1e-6);
  for (const auto& release : load.releases) {
    auto with_reason = of;
    with_reason.push_back({"reason", release.reason});
    add_value(to.releases, with_reason, release.count);
  }
}

}  // namespace

node_counts::node_counts(metrics& registry, const std::vector<std::string>& engines) {
  for (const auto& engine : engines) {
    auto& of = engines_.emplace_back();
    for (std::size_t cause = 0; cause < of.ends.size(); ++cause)
      of.ends[cause] = &registry.counter(
          "coppice_worker_engine_ends_total", "Ends of the engine's process, by their cause.",
          {{"engine", engine}, {"cause", std::string{cause_name(static_cast<exit_cause>(cause))}}});
    of.escalations = &registry.counter("coppice_worker_escalations_total",
                                       "Times the engine was given up after too many restarts.",
                                       {{"engine", engine}});
    of.trials = &registry.counter("coppice_worker_trials_total",
                                  "Times the engine was started although it is in quarantine.",
                                  {{"engine", engine}});
  }
}

void node_counts::ended(std::size_t k, exit_cause cause) const noexcept {
  engines_.at(k).ends[static_cast<std::size_t>(cause)]->Increment();
}

void node_counts::escalated(std::size_t k) const noexcept {
  engines_.at(k).escalations->Increment();
}

void node_counts::tried(std::size_t k) const noexcept { engines_.at(k).trials->Increment(); }

namespace {

constexpr std::array convergences{"converged", "converging", "failed"};

}  // namespace

revision_gauges::revision_gauges(metrics& registry)
    : current_{&registry.gauge("coppice_worker_revision",
                               "Revision of the desired state that the node serves.")},
      target_{&registry.gauge("coppice_worker_target_revision",
                              "The last revision that the node took.")} {
  for (std::size_t i = 0; i < convergences.size(); ++i)
    convergence_[i] = &registry.gauge("coppice_worker_convergence",
                                      "1 for how the node stands to its target revision.",
                                      {{"state", convergences[i]}});
}

void revision_gauges::set(const proto::node_snapshot& snapshot) const noexcept {
  current_->Set(static_cast<double>(snapshot.revision));
  target_->Set(static_cast<double>(snapshot.target_revision));
  for (std::size_t i = 0; i < convergences.size(); ++i)
    convergence_[i]->Set(snapshot.convergence == convergences[i] ? 1 : 0);
}

void engine_figures::set(std::vector<proto::engine_state> engines) {
  const std::lock_guard lock{mutex_};
  engines_ = std::move(engines);
}

std::vector<MetricFamily> engine_figures::Collect() const {
  const std::lock_guard lock{mutex_};
  engine_families all;
  for (const auto& engine : engines_) {
    add_value(all.up, {{"engine", engine.name}}, engine.verdict == "up" ? 1 : 0);
    add_value(all.restarts, {{"engine", engine.name}}, engine.restarts);
    add_value(all.verdict, {{"engine", engine.name}, {"verdict", engine.verdict}}, 1);
    for (const auto& load : engine.loads) add_load(all, engine.name, load);
  }
  return {all.up,     all.restarts, all.verdict, all.completed, all.failed,   all.refused,
          all.queued, all.running,  all.rows,    all.seconds,   all.releases, by_verdict(engines_)};
}

}  // namespace coppice::worker
