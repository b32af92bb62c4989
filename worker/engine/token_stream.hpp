#pragma once

#include "proto/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace coppice::worker {

/// Consecutive tokens of one stream.
struct token_chunk {
  /// Index of the first in the whole stream, from 0.
  std::uint64_t seq = 0;
  std::vector<std::int32_t> tokens;
};

/// One stream's tokens on their way to its gateway: every token leaves once, in order. A stream has
/// a window, the chunks that may be sent unasked; while it is used up, tokens wait and leave
/// together later. Without a window (the whole answer in one reply) all wait until the end.
class token_stream {
 public:
  /// Tokens that may wait for a window; the stream is paused then.
  static constexpr std::size_t max_waiting = proto::max_chunk_tokens;
  /// Larger windows count as this one.
  static constexpr std::uint32_t max_window = 1024;

  /// @param first  index of the first token to come. @param window  none: nothing leaves before
  /// the end.
  token_stream(std::uint64_t first, std::optional<std::uint32_t> window);

  void push(std::int32_t token) { waiting_.push_back(token); }
  /// That many more chunks may be sent.
  void open_window(std::uint32_t chunks);
  /// The tokens that wait, if there are some and the window lets a chunk go.
  [[nodiscard]] std::optional<token_chunk> take_chunk();
  /// What is left at the end, perhaps nothing; needs no window.
  [[nodiscard]] token_chunk take_rest();

  /// No further token may be made before the window opens.
  [[nodiscard]] bool is_paused() const noexcept {
    return window_ == 0u && waiting_.size() >= max_waiting;
  }
  /// Index of the next token to be pushed.
  [[nodiscard]] std::uint64_t next() const noexcept { return seq_ + waiting_.size(); }

 private:
  /// Of the first token that waits.
  std::uint64_t seq_;
  std::optional<std::uint32_t> window_;
  std::vector<std::int32_t> waiting_;
};

}  // namespace coppice::worker
