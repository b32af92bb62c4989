#pragma once

#include "proto/messages/control.hpp"

#include <prometheus/collectable.h>

#include <mutex>
#include <vector>

namespace coppice::worker {

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
