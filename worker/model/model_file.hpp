#pragma once

#include "worker/model/finding.hpp"
#include "worker/model/model_spec.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

/// Reads a model.yml into a spec without version. What is wrong is added to `findings`. Never
/// throws. @returns the spec, or nothing if a finding was added.
[[nodiscard]] std::optional<model_spec> read_model_file(std::filesystem::path file,
                                                        std::string name,
                                                        std::vector<finding>& findings);

}  // namespace coppice::worker
