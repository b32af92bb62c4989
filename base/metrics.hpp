#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace coppice {

using metric_labels = std::map<std::string, std::string>;

/// Buckets for times in seconds: 50 us to 30 s.
[[nodiscard]] prometheus::Histogram::BucketBoundaries time_buckets();
/// Buckets for batch sizes in rows: 1 to 1024.
[[nodiscard]] prometheus::Histogram::BucketBoundaries row_buckets();

/// The process's metrics and their HTTP page. A child is looked up once and kept by its user.
/// Names are `coppice_<component>_<noun>_<unit>`; docs/operations.md lists them all.
class metrics {
 public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// The one of this process. Never destroyed: its server would take up to 2 s to stop, and nothing
  /// is left that needs it to.
  static metrics& of_process();

  /// Serves `/metrics` on `host:port` (0: any free one), and tells there since when: a process
  /// serves as it starts. Returns the URL without path.
  /// Throws std::runtime_error with the cause if it cannot listen.
  std::string serve(const std::string& host, int port);

  /// Adds figures that are made when the page is read.
  void add(const std::shared_ptr<prometheus::Collectable>& figures);

  prometheus::Counter& counter(std::string_view name, std::string_view help,
                               const metric_labels& labels = {});
  prometheus::Gauge& gauge(std::string_view name, std::string_view help,
                           const metric_labels& labels = {});
  prometheus::Histogram& histogram(std::string_view name, std::string_view help,
                                   const prometheus::Histogram::BucketBoundaries& buckets,
                                   const metric_labels& labels = {});

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace coppice
