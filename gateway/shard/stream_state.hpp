#pragma once

#include "base/error.hpp"
#include "proto/limits.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace coppice::gateway {

using token = std::int32_t;

struct stream_limits {
  /// Chunks that an engine may have under way.
  std::uint32_t link_window = 16;
  /// Tokens of one chunk of an engine.
  std::uint32_t max_chunk = proto::max_chunk_tokens;
  /// Tokens that wait for the client's window: 256 KiB.
  std::uint32_t max_tail = 65'536;
  /// Tokens of one chunk to the client; a slow reader gets larger ones, up to this.
  std::uint32_t max_piece = 4096;
  /// Tokens of one stream. So many fit an attempt that goes on behind them.
  std::uint32_t max_tokens = proto::max_stream_tokens;
};

/// One stream of tokens between its engine and its client, on the gateway. Keeps every token that
/// was emitted (in memory for `max_tokens` at most): that is what another engine goes on from when
/// this one dies, and what a client that lost its connection is sent again. Tokens leave in order,
/// each at one place in the stream: to a client that starts at token `s` and never misses a message
/// there is no gap and no repeat, and what it has seen never changes. Two windows: the engine's
/// (chunks it may send unasked, withheld while the tail, the tokens that were not sent, is long)
/// and the client's (tokens it has not acknowledged; while it is shut, tokens gather and leave
/// merged). Fencing of attempts is the ledger's. Pure; one thread.
///
/// acknowledged() <= sent() <= emitted().size() <= sent() + max_tail + max_chunk (the last chunk
/// needs no window); a `resume` may make the tail longer, and no chunk comes until it is short
/// again.
class stream_state {
 public:
  enum class arrival {
    taken,     ///< New tokens.
    repeated,  ///< Nothing that was not known.
    broken,    ///< A gap, another token in a known place, or too many: end that attempt.
  };
  /// Tokens for the client.
  struct piece {
    std::uint64_t seq = 0;
    /// Valid until the next `take`.
    std::span<const token> tokens;
  };

  /// @param client_window  tokens it takes unacknowledged; 0: it acknowledges nothing, sent counts
  ///                       as acknowledged, and no tail holds the engine back.
  /// @param emitted        tokens that the client has from before; the stream goes on behind them.
  stream_state(const stream_limits& limits, std::uint32_t client_window,
               std::vector<token> emitted = {});

  // --- the engine's side

  /// A new attempt starts, behind `emitted()`. @returns its first window, chunks.
  [[nodiscard]] std::uint32_t begin_attempt();
  /// Tokens from the live attempt. @param seq  place of the first one in the whole stream.
  [[nodiscard]] arrival take(std::uint64_t seq, std::span<const token> tokens);
  /// The same of the engine's last word, which needs no window. Unless it is broken, no token will
  /// come.
  [[nodiscard]] arrival take_last(std::uint64_t seq, std::span<const token> tokens);
  /// Chunks to allow the engine beyond what it was allowed: for op `window`; counts as said. 0
  /// while it is not worth a message.
  [[nodiscard]] std::uint32_t more_window();

  // --- the client's side

  /// What may be sent now; none: nothing new, or the window is shut. Then say `sent`, if it was.
  [[nodiscard]] std::optional<piece> next() const;
  void sent(const piece& gone) noexcept;
  /// Every token before `seq` has arrived. One never sent is not taken.
  void acknowledge(std::uint64_t seq) noexcept;
  /// The client has these tokens from the start of the stream, some of them by another gateway:
  /// those that are new here count as emitted. Others than were emitted are not taken.
  void learn(std::span<const token> known);
  /// The client wants the stream from token `seq` on, perhaps over another connection.
  /// @param acknowledged  what its reader has taken: the window counts from there.
  /// @error `resume_expired` beyond what was emitted.
  [[nodiscard]] expected<void> resume(std::uint64_t seq, std::uint64_t acknowledged);

  /// Nothing is left to send but the final message.
  [[nodiscard]] bool is_complete() const noexcept { return ended_ && sent_ == emitted_.size(); }
  [[nodiscard]] const std::vector<token>& emitted() const noexcept { return emitted_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acked_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  [[nodiscard]] std::uint32_t allowance() const noexcept;
  void keep(std::span<const token> fresh);

  stream_limits limits_;
  std::uint32_t client_window_;
  std::vector<token> emitted_;
  std::uint64_t sent_;
  std::uint64_t acked_;
  /// Chunks that the live attempt may still send.
  std::uint32_t open_window_ = 0;
  bool ended_ = false;
};

}  // namespace coppice::gateway
