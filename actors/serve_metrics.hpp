#pragma once

#include "base/error.hpp"
#include "base/metrics.hpp"

#include <string>

namespace coppice::actors {

/// Serves the figures of a process on "host:port" (port 0: any free one), with the version of its
/// build among them. @returns the URL. @error `invalid` as `split_endpoint` has it; `unavailable`
/// with the reason.
expected<std::string> serve_metrics(metrics& registry, const std::string& endpoint);

}  // namespace coppice::actors
