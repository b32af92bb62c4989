#pragma once

#include "worker/engine/attempt_queue.hpp"
#include "worker/engine/instance_thread.hpp"
#include "worker/engine/load_counts.hpp"

#include <memory>
#include <vector>

namespace coppice::worker {

/// One version of one model on this engine: its queue, its instances, its figures.
struct served_model {
  explicit served_model(model_spec of) : spec{std::move(of)}, queue{spec} {}

  /// A free instance, or null.
  [[nodiscard]] instance_thread* free_instance() const {
    for (const auto& each : instances)
      if (!each->busy()) return each.get();
    return nullptr;
  }

  model_spec spec;
  attempt_queue queue;
  load_counts counts;
  /// Set instead of `instances` for built-in models that take no time: they run on the link thread.
  std::unique_ptr<model> in_line;
  step_lane in_line_lane;
  std::vector<std::unique_ptr<instance_thread>> instances;
};

}  // namespace coppice::worker
