#pragma once

#include "worker/model/model.hpp"

#include <memory>
#include <string>
#include <vector>

namespace coppice::worker {

/// An FP32 tensor whose bytes are unaligned on purpose, as those of a received frame may be.
inline host_tensor fp32(std::string name, std::vector<std::int64_t> shape,
                        const std::vector<float>& values) {
  auto owner = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(float) + 1);
  const auto* from = reinterpret_cast<const std::byte*>(values.data());
  std::copy(from, from + values.size() * sizeof(float), owner->begin() + 1);
  const auto bytes = std::span<const std::byte>{*owner}.subspan(1);
  return {std::move(name), datatype::fp32, std::move(shape), bytes, owner};
}

inline std::vector<float> floats(const host_tensor& tensor) {
  std::vector<float> out(tensor.bytes.size() / sizeof(float));
  std::copy(tensor.bytes.begin(), tensor.bytes.end(), reinterpret_cast<std::byte*>(out.data()));
  return out;
}

inline tensor_rule fp32_rule(std::string name, std::vector<std::int64_t> shape) {
  return {{std::move(name), "FP32", std::move(shape)}, {}, 0};
}

/// One item whose rows are those of its first input.
inline batch_item item_of(std::vector<host_tensor> inputs) {
  const auto rows = static_cast<std::uint32_t>(inputs.front().shape.front());
  return {std::move(inputs), rows, {}};
}

}  // namespace coppice::worker
