#pragma once

#include "worker/engine/attempt.hpp"
#include "worker/engine/progress_page.hpp"
#include "worker/model/model.hpp"

namespace coppice::worker {

/// Runs `batch` on `instance`, the page showing its attempts while it runs. If a batch of several
/// fails, each of its items runs alone, so that only the bad one fails; one whose deadline has
/// passed by then gets `deadline`. Foreign exceptions end here as `model_error`.
finished_batch run_step(model& instance, batch&& batch, progress_page::lane& page);

}  // namespace coppice::worker
