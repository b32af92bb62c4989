#pragma once

#include "base/error.hpp"
#include "proto/messages/tensor.hpp"
#include "worker/model/datatype.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::worker {

/// Turns `data` into `elements` raw little-endian elements. It holds a msgpack array of numbers,
/// booleans or strings, flat or nested as the tensor's shape; a single element; or (but for BYTES)
/// a bin with the raw elements, whose size the caller checks.
/// @error `invalid`: a value that is no such element or out of the type's range, another count.
expected<std::string> raw_elements(const proto::tensor& tensor, datatype type,
                                   std::uint64_t elements);

/// A name from outside as an error message shows it: quoted, printable ASCII, at most 64
/// characters.
[[nodiscard]] std::string shown_name(std::string_view name);

}  // namespace coppice::worker
