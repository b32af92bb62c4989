#pragma once

#include "actors/system.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

#include <filesystem>
#include <string>

namespace coppice::scheduler {

/// What `coppice-scheduler --config` reads. Every field has a default.
struct process_options {
  std::string name = "scheduler-1";
  actors::mesh_options mesh;
  /// "host:port" of /metrics; port 0 takes any free one.
  std::string metrics = "127.0.0.1:0";
  log_level level = log_level::info;
};

/// @error `invalid`, as "file:line: problem. remedy."
expected<process_options> read_options(const std::filesystem::path& file);

}  // namespace coppice::scheduler
