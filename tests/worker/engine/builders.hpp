#pragma once

#include "worker/engine/attempt.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/model/model_spec.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace coppice::worker {

inline constexpr steady_time t0{1h};

/// A model that takes up to eight rows of FP32 [-1] as "x" and gives "y".
inline model_spec a_spec() {
  model_spec spec;
  spec.name = "m";
  spec.inputs.push_back({{"x", "FP32", {-1}}, "", 0});
  spec.outputs.push_back({{"y", "FP32", {-1}}, "", 0});
  spec.batchable = true;
  spec.max_batch = 8;
  return spec;
}

/// One attempt of `rows` rows, `width` wide.
struct an_attempt {
  explicit an_attempt(std::uint64_t number) { made_.id = {number}; }
  an_attempt& rows(std::uint32_t n) { return made_.item.rows = n, *this; }
  an_attempt& of(const std::string& gateway) { return made_.gateway = gateway, *this; }
  an_attempt& width(std::int64_t n) { return made_.shape = std::to_string(n), *this; }
  an_attempt& at(steady_time t) { return made_.arrived = t, *this; }
  an_attempt& alone() { return made_.alone = true, *this; }
  an_attempt& due(steady_time t) { return made_.deadline = t, *this; }
  operator attempt() const {  // NOLINT: a builder
    auto ready = made_;
    if (ready.deadline == steady_time{}) ready.deadline = ready.arrived + 30s;
    return ready;
  }

 private:
  attempt made_ = [] {
    attempt fresh;
    fresh.gateway = "g";
    fresh.arrived = t0;
    fresh.deadline = steady_time{};
    return fresh;
  }();
};

inline shared_frame a_frame_of(const std::string& bytes) {
  const auto owned = std::make_shared<const std::string>(bytes);
  return {std::as_bytes(std::span{owned->data(), owned->size()}), owned};
}

/// A tensor that owns its elements.
template <class T>
host_tensor a_tensor(const std::string& name, datatype type, std::vector<std::int64_t> shape,
                     const std::vector<T>& values) {
  const auto owned = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(owned->data(), values.data(), owned->size());
  return {name, type, std::move(shape), *owned, owned};
}

template <class T>
std::vector<T> values_of(const host_tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace coppice::worker
