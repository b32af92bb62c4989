#pragma once

#include "base/metrics.hpp"
#include "proto/messages/control.hpp"
#include "worker/node/exit_cause.hpp"

#include <prometheus/collectable.h>

#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace coppice::worker {

/// What happened to the engines of a node, by their place in its list.
class node_counts {
 public:
  node_counts(metrics& registry, const std::vector<std::string>& engines);

  void ended(std::size_t k, exit_cause cause) const noexcept;
  /// It was given up after too many restarts.
  void escalated(std::size_t k) const noexcept;
  /// It was started although it is in quarantine.
  void tried(std::size_t k) const noexcept;

 private:
  struct counters {
    std::array<prometheus::Counter*, 6> ends{};
    prometheus::Counter* escalations = nullptr;
    prometheus::Counter* trials = nullptr;
  };
  std::vector<counters> engines_;
};

/// How the node stands to its desired state.
class revision_gauges {
 public:
  explicit revision_gauges(metrics& registry);
  void set(const proto::node_snapshot& snapshot) const noexcept;

 private:
  prometheus::Gauge* current_;
  prometheus::Gauge* target_;
  std::array<prometheus::Gauge*, 3> convergence_{};
};

/// The engines' figures as metric families, from their last reports. `set` and `Collect` may run
/// on different threads.
class engine_figures : public prometheus::Collectable {
 public:
  void set(std::vector<proto::engine_state> engines);
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable std::mutex mutex_;
  std::vector<proto::engine_state> engines_;
};

}  // namespace coppice::worker
