#include "gateway/shard/stream_state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace coppice::gateway {

stream_state::stream_state(const stream_limits& limits, std::uint32_t client_window,
                           std::vector<token> emitted)
    : limits_{limits},
      client_window_{client_window},
      emitted_{std::move(emitted)},
      sent_{emitted_.size()},
      acked_{emitted_.size()} {}

/// Chunks that fit between the tail and its limit, however large they are.
std::uint32_t stream_state::allowance() const noexcept {
  const auto tail = client_window_ == 0 ? 0 : emitted_.size() - sent_;
  const auto room = tail < limits_.max_tail ? (limits_.max_tail - tail) / limits_.max_chunk : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(room, limits_.link_window));
}

std::uint32_t stream_state::begin_attempt() { return open_window_ = allowance(); }

stream_state::arrival stream_state::take_last(std::uint64_t seq, std::span<const token> tokens) {
  const auto window = std::exchange(open_window_, 1);
  const auto what = take(seq, tokens);
  if (what == arrival::broken)
    open_window_ = window;
  else
    ended_ = true;
  return what;
}

stream_state::arrival stream_state::take(std::uint64_t seq, std::span<const token> tokens) {
  if (tokens.size() > limits_.max_chunk || seq > emitted_.size()) return arrival::broken;
  const auto known = std::min<std::uint64_t>(emitted_.size() - seq, tokens.size());
  const auto overlap = tokens.first(known);
  if (!std::equal(overlap.begin(), overlap.end(), emitted_.begin() + static_cast<long>(seq)))
    return arrival::broken;
  const auto fresh = tokens.subspan(known);
  if (fresh.empty()) return arrival::repeated;
  if (ended_ || open_window_ == 0 || emitted_.size() + fresh.size() > limits_.max_tokens)
    return arrival::broken;
  --open_window_;
  keep(fresh);
  return arrival::taken;
}

/// Grows by doubling, but never beyond what the stream may become.
void stream_state::keep(std::span<const token> fresh) {
  const auto needed = emitted_.size() + fresh.size();
  if (needed > emitted_.capacity())
    emitted_.reserve(std::clamp<std::size_t>(2 * emitted_.size(), needed, limits_.max_tokens));
  emitted_.insert(emitted_.end(), fresh.begin(), fresh.end());
}

std::uint32_t stream_state::more_window() {
  const auto allowed = allowance();
  if (ended_ || allowed <= open_window_) return 0;
  const auto more = allowed - open_window_;
  if (open_window_ > 0 && more < (limits_.link_window + 1) / 2) return 0;
  open_window_ = allowed;
  return more;
}

std::optional<stream_state::piece> stream_state::next() const {
  std::uint64_t upto = std::min<std::uint64_t>(emitted_.size(), sent_ + limits_.max_piece);
  if (client_window_ > 0) upto = std::min(upto, acked_ + client_window_);
  if (upto <= sent_) return std::nullopt;
  return piece{sent_, std::span{emitted_}.subspan(sent_, upto - sent_)};
}

void stream_state::sent(const piece& gone) noexcept {
  sent_ = gone.seq + gone.tokens.size();
  if (client_window_ == 0) acked_ = sent_;
}

void stream_state::acknowledge(std::uint64_t seq) noexcept {
  if (seq > acked_ && seq <= sent_) acked_ = seq;
}

void stream_state::learn(std::span<const token> known) {
  if (ended_ || known.size() <= emitted_.size() || known.size() > limits_.max_tokens) return;
  if (std::equal(emitted_.begin(), emitted_.end(), known.begin()))
    keep(known.subspan(emitted_.size()));
}

expected<void> stream_state::resume(std::uint64_t seq, std::uint64_t acknowledged) {
  if (seq > emitted_.size())
    return fail(errc::resume_expired, "The stream has " + std::to_string(emitted_.size()) +
                                          " tokens; it cannot go on from token " +
                                          std::to_string(seq) + ".");
  sent_ = seq;
  acked_ = std::min(acknowledged, seq);
  return {};
}

}  // namespace coppice::gateway
