#pragma once

#include <exception>
#include <string>

namespace coppice::worker {

/// What libtorch says, without its backtrace: the last line of a Python-style traceback, else the
/// first line.
[[nodiscard]] std::string torch_failure(const std::exception& failure);

}  // namespace coppice::worker
