#pragma once

#include "gateway/shard/door.hpp"
#include "proto/messages/client.hpp"
#include "tests/simulation/scenario.hpp"

#include <cstring>

namespace coppice::simulation {

/// The content of a request: rows of INT64 [2], the request's number and what it does. Only an
/// answer with the same bytes is the right one.
constexpr std::size_t row_bytes = 2 * sizeof(std::int64_t);

inline zmq::message_t content_of(std::uint64_t number, std::uint32_t rows, behaviour does) {
  zmq::message_t frame{rows * row_bytes};
  const std::int64_t row[] = {static_cast<std::int64_t>(number), static_cast<std::int64_t>(does)};
  for (std::uint32_t i = 0; i < rows; ++i)
    std::memcpy(static_cast<char*>(frame.data()) + i * row_bytes, row, row_bytes);
  return frame;
}

/// The number that content carries; 0 if it is none.
inline std::uint64_t number_in(const void* content, std::size_t bytes) {
  std::int64_t number = 0;
  if (bytes >= row_bytes) std::memcpy(&number, content, sizeof number);
  return static_cast<std::uint64_t>(number);
}
inline std::uint64_t number_in(const gateway::frame_list& frames) {
  return frames.empty() ? 0 : number_in(frames.front().data(), frames.front().size());
}

inline behaviour behaviour_in(const void* content, std::size_t bytes) {
  std::int64_t does = 0;
  if (bytes >= row_bytes)
    std::memcpy(&does, static_cast<const char*>(content) + sizeof does, sizeof does);
  return static_cast<behaviour>(does);
}

inline bool is_content_of(const zmq::message_t& frame, std::uint64_t number, std::uint32_t rows,
                          behaviour does) {
  const auto right = content_of(number, rows, does);
  return frame.size() == right.size() && std::memcmp(frame.data(), right.data(), right.size()) == 0;
}

}  // namespace coppice::simulation
