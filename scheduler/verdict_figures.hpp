#pragma once

#include "scheduler/health/verdicts.hpp"

#include <prometheus/collectable.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace coppice::scheduler {

/// The verdict of every engine as a metric family. `take` and `Collect` may run on different
/// threads.
class verdict_figures : public prometheus::Collectable {
 public:
  void take(const verdicts::change& change);
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> verdicts_;
};

}  // namespace coppice::scheduler
