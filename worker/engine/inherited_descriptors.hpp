#pragma once

namespace coppice::worker {

/// Where an engine finds the model files that its worker has verified, one after the other.
inline constexpr int first_model_file = 6;

}  // namespace coppice::worker
