#pragma once

#include "proto/messages/client.hpp"
#include "tests/simulation/scenario.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace coppice::simulation {

/// The content of a request: rows of INT64 [2], what tells contents apart and what it does; only an
/// answer with the same bytes is the right one. Of a model that streams: a prompt INT32 [2].
constexpr std::size_t row_bytes = 2 * sizeof(std::int64_t);

inline std::string content_of(std::uint64_t content, std::uint32_t rows, behaviour does) {
  std::string bytes;
  const std::int64_t row[] = {static_cast<std::int64_t>(content), static_cast<std::int64_t>(does)};
  for (std::uint32_t i = 0; i < rows; ++i)
    bytes.append(reinterpret_cast<const char*>(row), row_bytes);
  return bytes;
}

using prompt_tokens = std::array<std::int32_t, 2>;

inline prompt_tokens prompt_of(std::uint64_t content, behaviour does) {
  return {static_cast<std::int32_t>(content), static_cast<std::int32_t>(does)};
}

inline behaviour behaviour_in(std::span<const std::byte> content) {
  std::int64_t does = 0;
  if (content.size() >= row_bytes) std::memcpy(&does, content.data() + sizeof does, sizeof does);
  return static_cast<behaviour>(does);
}

inline behaviour behaviour_in(std::span<const std::int32_t> prompt) {
  return prompt.size() < 2 ? behaviour::echo : static_cast<behaviour>(prompt[1]);
}

/// A request's number travels with it as its trace context, which the cluster passes on.
inline std::string trace_of(std::uint64_t number) { return std::to_string(number); }

/// 0: it carries none.
inline std::uint64_t number_in(std::string_view trace) {
  std::uint64_t number = 0;
  (void)std::from_chars(trace.data(), trace.data() + trace.size(), number);
  return number;
}

}  // namespace coppice::simulation
