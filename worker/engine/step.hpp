#pragma once

#include "worker/engine/attempt.hpp"
#include "worker/engine/progress_page.hpp"
#include "worker/engine/step_limits.hpp"
#include "worker/model/model.hpp"

namespace coppice::worker {

/// Where one instance runs its steps: its lane of the shared page, what its steps usually take.
struct step_lane {
  progress_page::lane* page = nullptr;
  step_limits limits;
};

/// Runs `batch` on `instance`, the page showing its attempts and their limit while it runs. If a
/// batch of several fails, each of its items runs alone, a step of its own on the page, so that
/// only the bad one fails; one whose deadline has passed by then gets `deadline`. Foreign
/// exceptions end here as `model_error`.
finished_batch run_step(model& instance, batch&& batch, step_lane& lane);

}  // namespace coppice::worker
