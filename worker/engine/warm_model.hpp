#pragma once

#include "worker/model/model.hpp"

#include <memory>
#include <string>

namespace coppice::worker {

/// Loads one instance and runs it with zeros, as `warm_up` of its spec says. On the thread that
/// will run it. Foreign exceptions end here. @error of the loading or of the warm-up.
expected<std::unique_ptr<model>> load_warm(const model_spec& spec, model_loader load,
                                           const std::string& device);

/// A batch of zeros for warm-up: `rows` rows, -1 dimensions as `warm_up_shape` says, else 1.
[[nodiscard]] batch_item warm_up_item(const model_spec& spec);

}  // namespace coppice::worker
