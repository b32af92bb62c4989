#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coppice::worker {

/// The datatypes of the Open Inference Protocol v2.
enum class datatype : std::uint8_t {
  boolean,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  fp16,
  bf16,
  fp32,
  fp64,
  bytes,
};

[[nodiscard]] std::optional<datatype> datatype_from_name(std::string_view oip_name) noexcept;
[[nodiscard]] std::string_view datatype_name(datatype type) noexcept;
/// Bytes of one element; 0 for BYTES, whose elements carry a 4-byte little-endian length each.
[[nodiscard]] std::size_t datatype_size(datatype type) noexcept;

}  // namespace coppice::worker
