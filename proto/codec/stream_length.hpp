#pragma once

#include "base/error.hpp"
#include "proto/codec/codec.hpp"
#include "proto/limits.hpp"
#include "proto/messages/field.hpp"

#include <cstdint>
#include <string>
#include <tuple>

namespace coppice::proto {

/// The parameters of `generate` that are the same for every model; models read others.
struct stream_parameters {
  /// Length of the whole stream, what was emitted before included.
  std::uint32_t max_tokens = 16;

  static constexpr auto fields() {
    return std::tuple{field{"max_tokens", &stream_parameters::max_tokens}};
  }
};

/// How long a stream may become by the parameters of its `generate`, 1 to `max_stream_tokens`.
/// @error `invalid`.
[[nodiscard]] inline expected<std::uint32_t> stream_length(const raw_value& parameters) {
  if (parameters.empty()) return stream_parameters{}.max_tokens;
  const auto read = decode<stream_parameters>(parameters.bytes);
  if (!read) return tl::unexpected(read.error());
  if (read->max_tokens >= 1 && read->max_tokens <= max_stream_tokens) return read->max_tokens;
  return fail(errc::invalid,
              "Parameter 'max_tokens' must be 1 to " + std::to_string(max_stream_tokens) + ".");
}

}  // namespace coppice::proto
