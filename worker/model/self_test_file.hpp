#pragma once

#include "worker/model/model_spec.hpp"
#include "worker/model/yaml_checks.hpp"

namespace coppice::worker {

/// Reads `self_test` of a model.yml into the spec, whose inputs and outputs have been read. What is
/// wrong becomes findings.
void read_self_tests(const YAML::Node& root, yaml_checks& checks, model_spec& spec);

}  // namespace coppice::worker
