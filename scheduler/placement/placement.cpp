#include "scheduler/placement/placement.hpp"

#include "scheduler/placement/predicted_finish.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace coppice::scheduler {

namespace {

constexpr std::uint64_t shortest_retry_us = 1'000;
constexpr std::uint64_t longest_retry_us = 50'000;
/// A shard that lacks credit asks again within the longest retry.
constexpr duration lack_holds = 250ms;

/// Engines on probation are spared only while at least half of a model's engines are not: else
/// they are needed in full.
bool spares_some(const std::vector<engine_table::candidate>& all) {
  const auto full =
      std::count_if(all.begin(), all.end(), [](const auto& each) { return each.percent == 100; });
  return 2 * static_cast<std::size_t>(full) >= all.size();
}

/// At least one row.
std::uint32_t share_of(std::uint32_t rows, std::uint32_t percent) {
  return static_cast<std::uint32_t>((std::uint64_t{rows} * percent + 99) / 100);
}

}  // namespace

/// One candidate engine while a want is shared out.
struct placement::slot {
  engine_table::candidate where;
  credit_key key;
  engine_load load;
  /// Rows that may be held there in all.
  std::uint32_t capacity = 0;
  std::uint32_t free = 0;
  std::uint32_t granted = 0;
};

namespace {

/// Rows that fill the batch forming there, at least one.
template <class Slot>
std::uint32_t chunk(const Slot& slot, std::uint32_t wanted) {
  const auto room = slot.load.max_batch - slot.load.held_rows % slot.load.max_batch;
  return std::min({wanted, slot.free, room});
}

/// Slots with room, the least predicted finish on top; of equal ones the first.
class finish_order {
 public:
  template <class Slot>
  explicit finish_order(const std::vector<Slot>& slots) {
    for (std::size_t i = 0; i < slots.size(); ++i)
      if (slots[i].free > 0) entries_.emplace_back(predicted_finish_us(slots[i].load), i);
    std::ranges::make_heap(entries_, std::greater{});
  }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t top() const { return entries_.front().second; }
  /// The top one's load is another now.
  template <class Slot>
  void update(const Slot& slot) {
    std::ranges::pop_heap(entries_, std::greater{});
    const auto index = entries_.back().second;
    entries_.pop_back();
    if (slot.free == 0) return;
    entries_.emplace_back(predicted_finish_us(slot.load), index);
    std::ranges::push_heap(entries_, std::greater{});
  }

 private:
  std::vector<std::pair<std::uint64_t, std::size_t>> entries_;
};

/// A chunk of the wanted rows goes there. @returns its rows.
template <class Slot>
std::uint32_t fill(Slot& slot, std::uint32_t wanted) {
  const auto n = chunk(slot, wanted);
  slot.free -= n;
  slot.granted += n;
  slot.load.held_rows += n;
  return n;
}

template <class Slot>
std::uint32_t share_out(std::vector<Slot>& slots, std::uint32_t rows) {
  std::uint32_t placed = 0;
  finish_order order{slots};
  while (placed < rows && !order.empty()) {
    auto& slot = slots[order.top()];
    placed += fill(slot, rows - placed);
    order.update(slot);
  }
  return placed;
}

/// Rows with which a shard may try its luck where others hold all: one batch, or where a row is not
/// batched with others a part of what an engine holds.
template <class Slot>
std::uint32_t trial_rows(const Slot& slot) {
  return std::max(slot.load.max_batch, slot.capacity / 4);
}

template <class Slot>
std::uint64_t retry_after(const std::vector<Slot>& slots) {
  std::uint64_t soonest = longest_retry_us;
  for (const auto& slot : slots)
    if (slot.load.costs != nullptr)
      soonest = std::min(soonest, batch_us(*slot.load.costs, slot.load.max_batch));
  return std::clamp(soonest, shortest_retry_us, longest_retry_us);
}

}  // namespace

proto::place_reply placement::place(const engine_table& engines,
                                    const proto::place_request& request, steady_time now) {
  const auto shard = request.gateway + "/" + std::to_string(request.shard);
  account_.expire(now);
  account_.replace(shard, request.holdings, now);
  proto::place_reply out;
  for (const auto& want : request.wants) place_want(engines, request, shard, want, out, now);
  return out;
}

/// The engines that serve a want and that its shard reaches, as the account sees them.
std::vector<placement::slot> placement::slots_for(const engine_table& engines,
                                                  const proto::want& want,
                                                  const engine_list& unreachable) const {
  std::vector<slot> slots;
  const auto candidates = engines.serving(want.model, want.version);
  const bool sparing = spares_some(candidates);
  for (const auto& where : candidates) {
    if (std::ranges::find(unreachable, where.engine->incarnation) != unreachable.end()) continue;
    const auto& card = *where.card;
    slot each{where, {where.engine->incarnation, card.name, card.version}, {}};
    const auto held = account_.held(each.key);
    const auto instances = std::max(1u, card.capacity_rows / (2 * card.max_batch));
    each.capacity = sparing ? share_of(card.capacity_rows, where.percent) : card.capacity_rows;
    each.free = each.capacity > held ? each.capacity - held : 0;
    each.load = {held, card.max_batch, instances,
                 where.load != nullptr ? &where.load->costs : nullptr};
    slots.push_back(std::move(each));
  }
  return slots;
}

/// An equal share of the capacity.
std::uint32_t placement::fair_rows(const std::vector<slot>& slots) const {
  std::uint32_t capacity = 0;
  for (const auto& each : slots) capacity += each.capacity;
  const auto shards = std::max<std::size_t>(1, account_.live_shards());
  return static_cast<std::uint32_t>(capacity / shards);
}

/// Those that did not get what they wanted of that model a moment ago.
placement::lacking_shards& placement::shards_that_lack(const proto::want& want, steady_time now) {
  auto& known = lacking_[{want.model, want.version}];
  std::erase_if(known, [&](const auto& each) { return now - each.second >= lack_holds; });
  return known;
}

std::uint32_t placement::rows_of(const std::vector<slot>& slots, const std::string& shard) const {
  std::uint32_t rows = 0;
  for (const auto& each : slots) rows += account_.held_by(shard, each.key);
  return rows;
}

/// Rows that bring engines up to the mean of what the shard holds at one, where no other would
/// finish sooner: one that is new or came back is used before the others are full.
void placement::level(std::vector<slot>& slots, const std::string& shard) const {
  const finish_order order{slots};
  if (order.empty()) return;
  const auto soonest = predicted_finish_us(slots[order.top()].load);
  const auto mean = rows_of(slots, shard) / static_cast<std::uint32_t>(slots.size());
  for (auto& each : slots) {
    const auto has = account_.held_by(shard, each.key);
    if (has < mean && each.free > 0 && predicted_finish_us(each.load) <= soonest)
      fill(each, mean - has);
  }
}

void placement::grant_rows(const std::vector<slot>& slots, const std::string& shard,
                           const proto::want& want, proto::place_reply& out) {
  for (const auto& each : slots) {
    if (each.granted == 0) continue;
    account_.add(shard, each.key, each.granted);
    const auto& engine = *each.where.engine;
    out.grants.push_back({engine.name, engine.incarnation, engine.endpoint, engine.link_key,
                          want.model, each.key.version, want.version, each.granted, to_us(ttl_),
                          engine.engine_key});
  }
}

void placement::place_want(const engine_table& engines, const proto::place_request& request,
                           const std::string& shard, const proto::want& want,
                           proto::place_reply& out, steady_time now) {
  auto slots = slots_for(engines, want, request.unreachable);
  if (slots.empty()) {
    if (want.rows == 0) return;
    out.refused.push_back({want.model, want.version, "unavailable", longest_retry_us});
    return;
  }
  if (want.rows == 0) {
    level(slots, shard);
    return grant_rows(slots, shard, want, out);
  }
  const auto trial = trial_rows(slots.front()), mine = rows_of(slots, shard);
  const auto fair = fair_rows(slots), left = fair > mine ? fair - mine : 0;
  auto& lacking = shards_that_lack(want, now);
  lacking.erase(shard);
  auto placed = share_out(slots, lacking.empty() ? std::max(want.rows, left) : left);
  if (placed == 0 && mine < trial) {
    // Others hold it all by the account, which may be behind: let an engine decide.
    for (auto& each : slots) each.free = std::min(each.capacity, trial);
    placed = share_out(slots, std::min(want.rows, trial - mine));
  }
  if (placed < want.rows && mine + placed < fair) lacking[shard] = now;
  grant_rows(slots, shard, want, out);
  if (placed < want.rows)
    out.refused.push_back({want.model, want.version, "overloaded", retry_after(slots)});
}

}  // namespace coppice::scheduler
