#pragma once

#include "base/error.hpp"
#include "worker/model/model_spec.hpp"

#include <string>

namespace coppice::worker {

/// The spec of a built-in model without a model.yml: echo, sleep, crash, hang, flip or count.
/// echo and flip: batchable, max_batch 64; count streams; the others run alone.
[[nodiscard]] expected<model_spec> builtin_spec(const std::string& name);

}  // namespace coppice::worker
