#include "gateway/shard/fair_queue.hpp"

#include <algorithm>

namespace coppice::gateway {

fair_queue::flow& fair_queue::flow_of(const waiting_row& row) {
  if (size_ == 0 && !flows_.contains(row.tenant)) forget_all();
  auto& found = flows_[row.tenant];
  if (!found.rows.empty()) return found;
  // A tenant that starts or comes back: not before now, not before it left.
  auto own = turns_.extract({found.tag, row.tenant, nullptr});
  found.tag = std::max(found.tag, served_tag_);
  found.weight = std::max<std::uint32_t>(row.weight, 1);
  weight_ += found.weight;
  if (own.empty()) {
    turns_.insert({found.tag, row.tenant, &found});
  } else {
    own.value().tag = found.tag;
    turns_.insert(std::move(own));
  }
  return found;
}

bool fair_queue::push(const waiting_row& row) {
  auto& to = flow_of(row);
  const auto [at, fresh] = to.rows.try_emplace({row.deadline, row.row});
  if (!fresh) return false;
  at->second.row = row;
  link(at->second);
  to.cost += row.cost;
  cost_ += row.cost;
  ++size_;
  return true;
}

const waiting_row& fair_queue::front() const {
  return turns_.begin()->of->rows.begin()->second.row;
}

waiting_row fair_queue::pop() {
  auto next = turns_.extract(turns_.begin());
  auto& from = *next.value().of;
  const auto row = from.rows.begin()->second.row;
  served_tag_ = from.tag;
  from.tag += row.cost * unit / from.weight;
  next.value().tag = from.tag;
  turns_.insert(std::move(next));
  take_out(from, from.rows.begin());
  settle();
  return row;
}

std::uint32_t fair_queue::remove(const waiting_row& row) {
  const auto of = flows_.find(row.tenant);
  if (of == flows_.end()) return 0;
  const auto at = of->second.rows.find({row.deadline, row.row});
  if (at == of->second.rows.end()) return 0;
  const auto cost = at->second.row.cost;
  take_out(of->second, at);
  settle();
  return cost;
}

void fair_queue::take_out(flow& from, std::map<deadline_key, place>::iterator at) {
  unlink(at->second);
  from.cost -= at->second.row.cost;
  cost_ -= at->second.row.cost;
  --size_;
  from.rows.erase(at);
  if (from.rows.empty()) weight_ -= from.weight;
}

/// Forgets the tags that everybody has passed. The last tenant of an empty queue stays, because it
/// mostly is the next.
void fair_queue::settle() {
  while (!turns_.empty() && turns_.begin()->of->rows.empty()) {
    if (turns_.size() == 1) return start_over();
    const auto passed = *turns_.begin();
    served_tag_ = std::max(served_tag_, passed.tag);
    turns_.erase(turns_.begin());
    flows_.erase(passed.tenant);
  }
}

void fair_queue::start_over() {
  auto last = turns_.extract(turns_.begin());
  last.value().tag = last.value().of->tag = served_tag_ = 0;
  turns_.insert(std::move(last));
}

void fair_queue::forget_all() {
  turns_.clear();
  flows_.clear();
  served_tag_ = 0;
}

void fair_queue::link(place& last) noexcept {
  last.older = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &last;
  newest_ = &last;
}

void fair_queue::unlink(place& gone) noexcept {
  (gone.older == nullptr ? oldest_ : gone.older->newer) = gone.newer;
  (gone.newer == nullptr ? newest_ : gone.newer->older) = gone.older;
}

std::size_t fair_queue::rows_of(tenant_id tenant) const noexcept {
  const auto of = flows_.find(tenant);
  return of == flows_.end() ? 0 : of->second.rows.size();
}

std::uint64_t fair_queue::ahead_of(const waiting_row& row) const noexcept {
  const auto of = flows_.find(row.tenant);
  const bool fresh = of == flows_.end() || of->second.rows.empty();
  std::uint64_t own = 0, own_cost = 0;
  auto others_weight = weight_;
  if (!fresh) {
    const auto& rows = of->second.rows;
    const auto first = rows.begin()->first.first, last = rows.rbegin()->first.first;
    own_cost = of->second.cost;
    others_weight -= of->second.weight;
    const double share = row.deadline >= last ? 1.0
                         : row.deadline <= first
                             ? 0.0
                             : std::chrono::duration<double>(row.deadline - first) /
                                   std::chrono::duration<double>(last - first);
    own = static_cast<std::uint64_t>(static_cast<double>(own_cost) * share);
  }
  const auto weight = std::max<std::uint32_t>(row.weight, 1);
  return own + std::min(cost_ - own_cost, (own + row.cost) * others_weight / weight);
}

const waiting_row* fair_queue::newest() const noexcept {
  return newest_ == nullptr ? nullptr : &newest_->row;
}

const waiting_row* fair_queue::oldest() const noexcept {
  return oldest_ == nullptr ? nullptr : &oldest_->row;
}

}  // namespace coppice::gateway
