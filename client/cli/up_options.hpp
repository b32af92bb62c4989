#pragma once

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::cli {

/// What `coppice up` starts.
struct up_options {
  std::uint32_t gateways = 1, schedulers = 0, nodes = 1, engines = 1, threads = 0;
  std::string config, models, ready_file, door = "tcp://127.0.0.1:0";
  std::vector<std::string> builtins{"echo"}, serve;
  /// Longest pause before a process that ended again and again is started again, 50 or more.
  std::uint32_t restart_cap_ms = 5000;
  /// Further keys of every gateway's and every worker's configuration, from `gateway:` and
  /// `worker:` of the file; what `up` decides itself stands above them.
  nlohmann::ordered_json gateway = nlohmann::ordered_json::object();
  nlohmann::ordered_json worker = nlohmann::ordered_json::object();
};

/// Reads `options.config` into the others, over what they are. @error names file, line and remedy.
expected<void> read_config(up_options& options);

}  // namespace coppice::cli
