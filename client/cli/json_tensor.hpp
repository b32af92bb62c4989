#pragma once

#include "base/error.hpp"
#include "client/client.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace coppice::cli {

/// A tensor without name from JSON: a number, boolean or string, a nested array of them, or
/// {"data": ..., "datatype": "FP32"?, "shape": [...]?}. Integers are taken exactly.
/// @param datatype  used where the JSON names none.
/// @error `invalid`: an element that the datatype does not hold, a ragged array, a shape with
/// another
///        number of elements, an unknown datatype.
expected<client::tensor> tensor_from_json(const nlohmann::ordered_json& value,
                                          const std::string& datatype);

/// A request's parameters, as they cross the wire, from a JSON map. @error `invalid`: it is none.
expected<std::string> parameters_from_json(const std::string& map);

/// The elements as a flat array: numbers, booleans (BOOL) or strings (BYTES). Floats are written as
/// short as they can be read back. `tensor.bytes` of another size than its elements: what is whole.
nlohmann::ordered_json json_from_tensor(const client::tensor& tensor);

}  // namespace coppice::cli
