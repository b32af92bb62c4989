#pragma once

#include "proto/codec/codec.hpp"
#include "proto/messages/tensor.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Tokens of a stream as the protocol carries them: little-endian INT32.
namespace coppice::proto {

static_assert(std::endian::native == std::endian::little);

/// A bin with the tokens, as in `emitted`.
[[nodiscard]] inline raw_value pack_tokens(std::span<const std::int32_t> tokens) {
  raw_value raw;
  string_sink sink{raw.bytes};
  packer to{sink};
  const auto bytes = static_cast<std::uint32_t>(tokens.size_bytes());
  to.pack_bin(bytes);
  to.pack_bin_body(reinterpret_cast<const char*>(tokens.data()), bytes);
  return raw;
}

/// Tokens from raw elements. @returns none if they are not whole.
[[nodiscard]] inline std::optional<std::vector<std::int32_t>> tokens_from(std::string_view raw) {
  if (raw.size() % sizeof(std::int32_t) != 0) return std::nullopt;
  std::vector<std::int32_t> tokens(raw.size() / sizeof(std::int32_t));
  if (!raw.empty()) std::memcpy(tokens.data(), raw.data(), raw.size());
  return tokens;
}

/// Tokens of a bin, as in `emitted`; an absent value is no tokens. @returns none if it is no bin.
[[nodiscard]] inline std::optional<std::vector<std::int32_t>> unpack_tokens(const raw_value& raw) {
  if (raw.empty()) return std::vector<std::int32_t>{};
  reader from{raw.bytes};
  std::string_view bytes;
  if (!from.next_is_bin() || !from.read(bytes)) return std::nullopt;
  return tokens_from(bytes);
}

/// The output "tokens" of a chunk.
[[nodiscard]] inline tensor tokens_tensor(std::span<const std::int32_t> tokens) {
  return {"tokens", "INT32", {static_cast<std::int64_t>(tokens.size())}, {}, pack_tokens(tokens)};
}

/// The tokens of the output "tokens", from its frame or its data; an absent output is no tokens.
/// @param frames  anything with size() and to_string_view() elements.
/// @returns none if the output is not what it should be.
template <class Frames>
[[nodiscard]] std::optional<std::vector<std::int32_t>> tokens_in(const std::vector<tensor>& outputs,
                                                                 const Frames& frames) {
  for (const auto& each : outputs) {
    if (each.name != "tokens") continue;
    if (each.datatype != "INT32") return std::nullopt;
    if (!each.frame) return unpack_tokens(each.data);
    if (*each.frame >= frames.size()) return std::nullopt;
    return tokens_from(frames[*each.frame].to_string_view());
  }
  return std::vector<std::int32_t>{};
}

}  // namespace coppice::proto
