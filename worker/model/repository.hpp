#pragma once

#include "worker/model/finding.hpp"
#include "worker/model/model_spec.hpp"

#include <filesystem>
#include <vector>

namespace coppice::worker {

/// What a model repository holds: `specs` are valid, `findings` are not in `specs`.
struct repository {
  std::vector<model_spec> specs;
  std::vector<finding> findings;
};

/// Reads `<folder>/<name>/model.yml` and `<folder>/<name>/<version>/model.{pt,pt2}` of every model,
/// every version. Never throws; needs no libtorch. Built-in models need no version folder.
[[nodiscard]] repository read_repository(const std::filesystem::path& folder);

}  // namespace coppice::worker
