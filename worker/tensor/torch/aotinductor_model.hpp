#pragma once

#include "worker/model/model.hpp"

#include <c10/core/Device.h>
#include <memory>

namespace coppice::worker {

/// Loads an AOTInductor package (.pt2). It belongs to one libtorch version and checks no shapes:
/// the engine has checked them against model.yml.
expected<std::unique_ptr<model>> load_aotinductor(const model_spec& spec, c10::Device device);

}  // namespace coppice::worker
