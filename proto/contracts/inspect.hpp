#pragma once

#include "proto/codec/codec.hpp"

#include <caf/error.hpp>
#include <caf/sec.hpp>

#include <vector>

/// One `inspect` for every message: CAF ships the same bounded msgpack bytes as ZeroMQ does.
namespace coppice::proto {

template <class Inspector, message T>
typename Inspector::result_type inspect(Inspector& f, T& value) {
  if constexpr (Inspector::reads_state) {
    const auto text = encode(value);
    std::vector<char> bytes(text.begin(), text.end());
    return f(bytes);
  } else {
    std::vector<char> bytes;
    if (auto failed = f(bytes)) return failed;
    auto decoded = decode<T>({bytes.data(), bytes.size()}, max_control_bytes);
    if (!decoded) return caf::make_error(caf::sec::invalid_argument, decoded.error().message);
    value = std::move(*decoded);
    return caf::none;
  }
}

}  // namespace coppice::proto
