#pragma once

#include "worker/model/model.hpp"

#include <memory>
#include <string>

namespace coppice::worker {

/// Loads one instance, runs it with zeros, as `warm_up` of its spec says, and then its self-tests.
/// On the thread that will run it. Foreign exceptions end here. @error of the loading, the warm-up
/// or a self-test.
expected<std::unique_ptr<model>> load_warm(const model_spec& spec, model_loader load,
                                           const std::string& device);

/// A batch of zeros for warm-up: `rows` rows, -1 dimensions as `warm_up_shape` says, else 1.
[[nodiscard]] batch_item warm_up_item(const model_spec& spec);

}  // namespace coppice::worker
