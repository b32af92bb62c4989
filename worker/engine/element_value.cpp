#include "worker/engine/element_value.hpp"

#include "worker/engine/binary16.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace coppice::worker {

namespace {

/// Tensors may be unaligned.
template <class T>
T element(const host_tensor& tensor, std::size_t i) {
  T value{};
  std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
  return value;
}

/// BF16 is the upper half of an FP32.
float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Not by `bit_cast`: a function cannot return clang's 16-bit type.
float from_fp16(std::uint16_t bits) {
  binary16 value{};
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<float>(value);
}

long double integer(const host_tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case datatype::uint16:
      return element<std::uint16_t>(tensor, i);
    case datatype::uint32:
      return element<std::uint32_t>(tensor, i);
    case datatype::uint64:
      return static_cast<long double>(element<std::uint64_t>(tensor, i));
    case datatype::int8:
      return element<std::int8_t>(tensor, i);
    case datatype::int16:
      return element<std::int16_t>(tensor, i);
    case datatype::int32:
      return element<std::int32_t>(tensor, i);
    case datatype::int64:
      return static_cast<long double>(element<std::int64_t>(tensor, i));
    default:
      return element<std::uint8_t>(tensor, i);
  }
}

}  // namespace

long double element_value(const host_tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case datatype::fp64:
      return element<double>(tensor, i);
    case datatype::fp32:
      return element<float>(tensor, i);
    case datatype::bf16:
      return from_bf16(element<std::uint16_t>(tensor, i));
    case datatype::fp16:
      return from_fp16(element<std::uint16_t>(tensor, i));
    default:
      return integer(tensor, i);
  }
}

}  // namespace coppice::worker
