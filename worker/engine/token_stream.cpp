#include "worker/engine/token_stream.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

token_stream::token_stream(std::uint64_t first, std::optional<std::uint32_t> window) : seq_{first} {
  if (window) window_ = std::min(*window, max_window);
}

void token_stream::open_window(std::uint32_t chunks) {
  if (window_) window_ = *window_ + std::min(chunks, max_window - *window_);
}

std::optional<token_chunk> token_stream::take_chunk() {
  if (!window_ || *window_ == 0 || waiting_.empty()) return std::nullopt;
  --*window_;
  return take_rest();
}

token_chunk token_stream::take_rest() {
  token_chunk chunk{seq_, std::exchange(waiting_, {})};
  seq_ += chunk.tokens.size();
  return chunk;
}

}  // namespace coppice::worker
