#pragma once

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <string>

namespace coppice::worker {

/// What a node says of itself to its own process.
struct node_look {
  /// Every engine is up or given up.
  bool settled = false;
  /// It was asked to stop, and drains.
  bool stopping = false;
  std::size_t engines = 0;
  std::size_t up = 0;
  /// Running or queued.
  std::uint64_t rows = 0;
};

/// The same as one line.
[[nodiscard]] std::string status_line(const node_look& look);

}  // namespace coppice::worker

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::node_look)
