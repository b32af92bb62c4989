#include "base/metrics.hpp"

#include <prometheus/exposer.h>

#include <chrono>
#include <vector>

namespace coppice {

struct metrics::state {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  std::vector<std::shared_ptr<prometheus::Collectable>> figures;
  std::unique_ptr<prometheus::Exposer> exposer;
};

prometheus::Histogram::BucketBoundaries time_buckets() {
  return {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3,
          50e-3, 0.1,    0.2,    0.5,    1,    2,    5,    10,    30};
}

prometheus::Histogram::BucketBoundaries row_buckets() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

metrics::metrics() : state_{std::make_unique<state>()} {}
metrics::~metrics() = default;

metrics& metrics::of_process() {
  static auto* const one = new metrics;
  return *one;
}

std::string metrics::serve(const std::string& host, int port) {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  gauge("coppice_start_time_seconds", "When the process started, in seconds since 1970 (UTC).")
      .Set(std::chrono::duration<double>(since_epoch).count());
  state_->exposer = std::make_unique<prometheus::Exposer>(host + ":" + std::to_string(port), 1);
  state_->exposer->RegisterCollectable(state_->registry);
  for (const auto& each : state_->figures) state_->exposer->RegisterCollectable(each);
  return "http://" + host + ":" + std::to_string(state_->exposer->GetListeningPorts().front());
}

void metrics::add(const std::shared_ptr<prometheus::Collectable>& figures) {
  state_->figures.push_back(figures);
  if (state_->exposer) state_->exposer->RegisterCollectable(figures);
}

prometheus::Counter& metrics::counter(std::string_view name, std::string_view help,
                                      const metric_labels& labels) {
  return prometheus::BuildCounter()
      .Name(std::string{name})
      .Help(std::string{help})
      .Register(*state_->registry)
      .Add(labels);
}

prometheus::Gauge& metrics::gauge(std::string_view name, std::string_view help,
                                  const metric_labels& labels) {
  return prometheus::BuildGauge()
      .Name(std::string{name})
      .Help(std::string{help})
      .Register(*state_->registry)
      .Add(labels);
}

prometheus::Histogram& metrics::histogram(std::string_view name, std::string_view help,
                                          const prometheus::Histogram::BucketBoundaries& buckets,
                                          const metric_labels& labels) {
  return prometheus::BuildHistogram()
      .Name(std::string{name})
      .Help(std::string{help})
      .Register(*state_->registry)
      .Add(labels, buckets);
}

}  // namespace coppice
