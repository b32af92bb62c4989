#pragma once

#include "base/error.hpp"
#include "worker/model/model.hpp"
#include "worker/model/model_spec.hpp"

namespace coppice::worker {

/// Runs the self-tests of a model's spec on a loaded instance. On the thread that runs it. Foreign
/// exceptions pass.
/// @error `model_error`: the first test that was not passed, which output differs and by how much;
/// `invalid`: a test does not fit the model.
[[nodiscard]] expected<void> run_self_tests(model& instance, const model_spec& spec);

}  // namespace coppice::worker
