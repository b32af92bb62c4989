#include "gateway/shard/outcome_store.hpp"

namespace coppice::gateway {

namespace {

/// What ZeroMQ and the allocator take for a frame besides its bytes.
constexpr std::size_t frame_overhead = 128;

std::size_t bytes_of(const kept_outcome& outcome) {
  std::size_t bytes = outcome.header.outputs.size() * sizeof(proto::tensor);
  for (const auto& each : outcome.header.outputs) bytes += each.data.bytes.size();
  if (outcome.header.error) bytes += outcome.header.error->message.size();
  for (const auto& frame : outcome.frames) bytes += frame.size() + frame_overhead;
  return bytes;
}

}  // namespace

frame_list share(const frame_list& frames) {
  frame_list shared(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i)
    shared[i].copy(const_cast<zmq::message_t&>(frames[i]));  // only counts a reference
  return shared;
}

std::pair<proto::reply, frame_list> replay(const kept_outcome& kept, const proto::raw_value& id) {
  auto header = kept.header;
  header.id = id;
  return {std::move(header), share(kept.frames)};
}

bool is_kept(std::optional<errc> code, bool may_not_run_again) noexcept {
  if (!code || may_not_run_again) return true;
  return *code == errc::invalid || *code == errc::model_error || *code == errc::poison;
}

outcome_store::slot outcome_store::find_slot(const name_hash& key) const {
  return index_.find(key, [&](slot at) { return entries_[at].key == key; });
}

outcome_store::found outcome_store::begin(const name_hash& key, const proto::fingerprint& content,
                                          steady_time now) {
  auto known = find(key, now);
  if (known.what != verdict::fresh && entries_[find_slot(key)].content != content)
    return {verdict::reused, {}, nullptr};
  return known;
}

outcome_store::found outcome_store::find(const name_hash& key, steady_time now) {
  const auto at = find_slot(key);
  if (at == no_slot) return {};
  auto& known = entries_[at];
  if (known.row) return {verdict::join, known.row, nullptr};
  if (now < known.until) return {verdict::replay, {}, &known.outcome};
  drop(at);
  return {};
}

outcome_store::slot outcome_store::open(const name_hash& key, const proto::fingerprint& content,
                                        row_id row, std::uint32_t session, std::uint64_t number) {
  if (free_.empty()) {
    free_.push_back(static_cast<slot>(entries_.size()));
    entries_.emplace_back();
  }
  const auto at = free_.back();
  free_.pop_back();
  auto& made = entries_[at];
  made.key = key;
  made.content = content;
  made.row = row;
  made.session = session;
  made.number = number;
  made.acknowledged = false;
  index_.insert(key, at);
  if (session != no_slot) {
    if (session >= sessions_.size()) sessions_.resize(session + 1);
    append(sessions_[session], &entry::in_session, at);
  }
  return at;
}

void outcome_store::done(slot at, kept_outcome&& outcome, steady_time deadline, steady_time now) {
  auto& ended = entries_[at];
  const auto bytes = sizeof(entry) + bytes_of(outcome);
  if (ended.acknowledged || bytes > limits_.max_bytes || limits_.max_entries == 0)
    return forget(at);
  ended.row = {};
  ended.until = std::max(deadline, now + limits_.keep);
  ended.bytes = bytes;
  ended.outcome = std::move(outcome);
  append(by_age_, &entry::by_age, at);
  ++done_;
  bytes_ += bytes;
  while (bytes_ > limits_.max_bytes || done_ > limits_.max_entries) drop(by_age_.first);
}

void outcome_store::forget(slot at) {
  entries_[at].row = {};
  release(at);
}

void outcome_store::drop(slot at) {
  auto& gone = entries_[at];
  unlink(by_age_, &entry::by_age, at);
  --done_;
  bytes_ -= gone.bytes;
  gone.outcome = {};
  release(at);
}

void outcome_store::release(slot at) {
  leave_session(at);
  index_.erase(entries_[at].key, at);
  free_.push_back(at);
}

void outcome_store::acknowledge(std::uint32_t session, std::uint64_t number) {
  if (session >= sessions_.size()) return;
  for (auto at = sessions_[session].first; at != no_slot && entries_[at].number <= number;
       at = sessions_[session].first) {
    if (!entries_[at].row) {
      drop(at);
      continue;
    }
    entries_[at].acknowledged = true;
    leave_session(at);
  }
}

void outcome_store::session_ended(std::uint32_t session) {
  if (session >= sessions_.size()) return;
  while (sessions_[session].first != no_slot) leave_session(sessions_[session].first);
}

void outcome_store::expire(steady_time now) {
  while (by_age_.first != no_slot && now >= entries_[by_age_.first].until) drop(by_age_.first);
}

void outcome_store::leave_session(slot at) {
  auto& leaving = entries_[at];
  if (leaving.session == no_slot) return;
  unlink(sessions_[leaving.session], &entry::in_session, at);
  leaving.session = no_slot;
}

void outcome_store::append(list& to, link entry::*links, slot at) {
  entries_[at].*links = {to.last, no_slot};
  (to.last == no_slot ? to.first : (entries_[to.last].*links).after) = at;
  to.last = at;
}

void outcome_store::unlink(list& from, link entry::*links, slot at) {
  const auto [before, after] = entries_[at].*links;
  (before == no_slot ? from.first : (entries_[before].*links).after) = after;
  (after == no_slot ? from.last : (entries_[after].*links).before) = before;
}

bool outcome_store::is_consistent() const {
  std::size_t count = 0, bytes = 0;
  for (auto at = by_age_.first; at != no_slot; at = entries_[at].by_age.after) {
    if (entries_[at].row || find_slot(entries_[at].key) != at) return false;
    ++count;
    bytes += entries_[at].bytes;
  }
  return count == done_ && bytes == bytes_ && index_.size() + free_.size() == entries_.size();
}

}  // namespace coppice::gateway
