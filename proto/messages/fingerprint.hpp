#pragma once

#include "proto/messages/field.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace coppice::proto {

/// 128-bit hash (XXH3) of what a request asks: model, version, wanted outputs, parameters, inputs.
/// Equal for equal content, whoever sends it; never of who asks or how long they wait.
struct fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static constexpr auto fields() {
    return std::tuple{field{"high", &fingerprint::high}, field{"low", &fingerprint::low}};
  }
  friend constexpr auto operator<=>(const fingerprint&, const fingerprint&) = default;
};

}  // namespace coppice::proto

template <>
struct std::hash<coppice::proto::fingerprint> {
  std::size_t operator()(const coppice::proto::fingerprint& of) const noexcept {
    return static_cast<std::size_t>(of.low);  // uniform already
  }
};
