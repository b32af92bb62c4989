#pragma once

#include "base/error.hpp"
#include "client/client.hpp"

#include <string>
#include <string_view>

namespace coppice::cli {

/// Reads a NumPy array file (format 1 to 3, little-endian, C order) as a tensor without name.
/// Total: any bytes give a tensor or an error.
/// @error `invalid`, naming what is not supported.
expected<client::tensor> read_npy(std::string_view bytes);

}  // namespace coppice::cli
