#include "worker/engine/attempt_queue.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

/// Left for the reply's way back when a deadline forces a batch out.
constexpr duration reply_margin = 1ms;

std::int64_t bucket_of(const std::vector<std::int64_t>& buckets, std::int64_t size) {
  const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), size);
  return bucket == buckets.end() ? size : *bucket;
}

void append_dimension(std::string& key, const model_spec& spec, bool variable, std::int64_t size) {
  if (variable && spec.padding == padding_mode::longest) size = -1;
  if (variable && spec.padding == padding_mode::buckets) size = bucket_of(spec.buckets, size);
  key += std::to_string(size);
  key += ',';
}

}  // namespace

std::string shape_key(const model_spec& spec, const batch_item& item) {
  std::string key;
  if (!spec.batchable || spec.inputs.empty()) return key;
  for (std::size_t i = 0; i < item.inputs.size() && i < spec.inputs.size(); ++i) {
    const auto& wanted = spec.inputs[i].spec.shape;
    const auto& shape = item.inputs[i].shape;
    for (std::size_t d = 0; d < wanted.size(); ++d)
      append_dimension(key, spec, wanted[d] < 0, shape[d + 1]);
    key += ';';
  }
  return key;
}

void attempt_queue::recent_peak::see(std::uint32_t rows, steady_time now) {
  if (now - began_ >= epoch_) {
    last_ = now - began_ >= 2 * epoch_ ? 0 : current_;
    current_ = 0;
    began_ = now;
  }
  current_ = std::max(current_, rows);
}

attempt_queue::attempt_queue(const model_spec& spec)
    : batchable_{spec.batchable},
      max_batch_{spec.max_batch},
      capacity_{spec.card().capacity_rows},
      max_delay_{spec.max_delay},
      policy_{spec.policy},
      peak_{std::max<duration>(20ms, 10 * spec.max_delay)} {}

bool attempt_queue::push(attempt&& attempt, steady_time now) {
  const auto rows = attempt.item.rows;
  if (queued_rows_ + running_rows_ + rows > capacity_) return false;
  queued_rows_ += rows;
  peak_.see(queued_rows_ + running_rows_, now);
  if (attempt.alone) return suspects_.push_back(std::move(attempt)), true;
  auto before = waiting_.end();
  while (before != waiting_.begin() && std::prev(before)->deadline > attempt.deadline) --before;
  waiting_.insert(before, std::move(attempt));
  return true;
}

attempt_queue::shape_rows attempt_queue::same_shape(const attempt& first) const {
  shape_rows found;
  for (const auto& each : waiting_) {
    if (each.shape != first.shape) continue;
    found.rows += each.item.rows;
    found.oldest = std::min(found.oldest, each.arrived);
  }
  return found;
}

steady_time attempt_queue::forced_at(const attempt& first, std::uint32_t rows) const {
  return first.deadline - reply_margin - 2 * times_.expect(rows);
}

std::optional<release_reason> attempt_queue::why_now(const attempt& first, steady_time now) const {
  if (!batchable_) return release_reason::alone;
  const bool waits = max_delay_ > duration{0};
  const auto same = same_shape(first);
  if (same.rows >= max_batch_ && !(waits && policy_ == batch_policy::window))
    return release_reason::size;
  if (!waits) return release_reason::idle;
  if (policy_ != batch_policy::size && now - same.oldest >= max_delay_)
    return release_reason::window;
  if (now >= forced_at(first, same.rows)) return release_reason::deadline;
  if (policy_ == batch_policy::hybrid && queued_rows_ + running_rows_ >= peak_.rows())
    return release_reason::idle;
  return std::nullopt;
}

std::vector<const attempt*> attempt_queue::leaders(steady_time now) const {
  std::vector<const attempt*> first;
  for (const auto& each : waiting_)
    if (each.deadline > now && std::none_of(first.begin(), first.end(), [&](const attempt* other) {
          return other->shape == each.shape;
        }))
      first.push_back(&each);
  return first;
}

std::optional<batch> attempt_queue::next(steady_time now) {
  if (waiting_.empty()) return std::nullopt;
  for (const auto* first : leaders(now)) {
    const auto reason = why_now(*first, now);
    if (!reason) continue;
    if (*reason == release_reason::window) peak_.lower_to(queued_rows_ + running_rows_);
    return take(std::string{first->shape}, *reason, now);
  }
  return std::nullopt;
}

std::optional<steady_time> attempt_queue::suspect_since(steady_time now) const {
  for (const auto& each : suspects_)
    if (each.deadline > now) return each.arrived;
  return std::nullopt;
}

std::optional<batch> attempt_queue::next_suspect(steady_time now) {
  const auto oldest = std::find_if(suspects_.begin(), suspects_.end(),
                                   [&](const attempt& each) { return each.deadline > now; });
  if (oldest == suspects_.end()) return std::nullopt;
  batch out;
  out.reason = release_reason::alone;
  out.rows = oldest->item.rows;
  out.attempts.push_back(take_out(suspects_, oldest));
  running_rows_ += out.rows;
  return out;
}

attempt attempt_queue::take_out(waiting& from, waiting::iterator at) {
  auto taken = std::move(*at);
  from.erase(at);
  queued_rows_ -= taken.item.rows;
  return taken;
}

template <class Predicate>
std::vector<attempt> attempt_queue::take_if(Predicate which) {
  std::vector<attempt> taken;
  for (auto* from : {&waiting_, &suspects_})
    for (auto at = from->begin(); at != from->end();) {
      const auto here = at++;
      if (which(*here)) taken.push_back(take_out(*from, here));
    }
  return taken;
}

batch attempt_queue::take(const std::string& shape, release_reason reason, steady_time now) {
  batch out;
  out.reason = reason;
  for (auto at = waiting_.begin(); at != waiting_.end() && out.rows < max_batch_;) {
    const auto here = at++;
    if (here->deadline <= now || here->shape != shape) continue;
    if (out.rows + here->item.rows > max_batch_) continue;
    out.rows += here->item.rows;
    out.attempts.push_back(take_out(waiting_, here));
    if (!batchable_) break;
  }
  running_rows_ += out.rows;
  return out;
}

std::optional<steady_time> attempt_queue::next_event(bool free_instance) const {
  if (waiting_.empty() && suspects_.empty()) return std::nullopt;
  auto at = waiting_.empty() ? steady_time::max() : waiting_.front().deadline;
  for (const auto& each : suspects_) at = std::min(at, each.deadline);
  if (!free_instance) return at;
  for (const auto* first : leaders(steady_time::min())) {
    const auto same = same_shape(*first);
    at = std::min(at, forced_at(*first, same.rows));
    if (policy_ != batch_policy::size) at = std::min(at, same.oldest + max_delay_);
  }
  return at;
}

std::vector<attempt> attempt_queue::take_expired(steady_time now) {
  const bool none = suspects_.empty() && (waiting_.empty() || waiting_.front().deadline > now);
  if (none) return {};
  return take_if([&](const attempt& each) { return each.deadline <= now; });
}

std::optional<attempt> attempt_queue::cancel(attempt_id id, const std::string& gateway) {
  for (auto* from : {&waiting_, &suspects_}) {
    const auto found = std::find_if(from->begin(), from->end(), [&](const attempt& each) {
      return each.id == id && each.gateway == gateway;
    });
    if (found != from->end()) return take_out(*from, found);
  }
  return std::nullopt;
}

std::vector<attempt> attempt_queue::drop_gateway(const std::string& gateway) {
  return take_if([&](const attempt& each) { return each.gateway == gateway; });
}

std::vector<attempt> attempt_queue::drop_all() {
  return take_if([](const attempt&) { return true; });
}

void attempt_queue::finished(std::uint32_t rows, duration took) {
  running_rows_ -= rows;
  times_.record(rows, took);
}

}  // namespace coppice::worker
