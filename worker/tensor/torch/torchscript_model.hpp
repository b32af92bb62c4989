#pragma once

#include "worker/model/model.hpp"

#include <c10/core/Device.h>
#include <memory>

namespace coppice::worker {

/// Loads a TorchScript file. Inputs and outputs with an `attribute` are set before forward and
/// read after it, so that a stateful model's state travels with the client.
expected<std::unique_ptr<model>> load_torchscript(const model_spec& spec, c10::Device device);

}  // namespace coppice::worker
