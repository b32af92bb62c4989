#pragma once

#include <string>

#include "base/error.hpp"
#include "proto/messages/tensor.hpp"
#include "worker/model/datatype.hpp"

namespace coppice::worker {

/// Turns `data`, a msgpack array (flat or nested) of numbers, booleans or strings, or a bin, into
/// `elements` raw little-endian elements.
/// @error `invalid`: a value that is no such element or out of the type's range, another count.
expected<std::string> raw_elements(const proto::tensor& tensor, datatype type,
                                   std::uint64_t elements);

}  // namespace coppice::worker
