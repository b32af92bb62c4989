#include "gateway/place_book.hpp"

#include "gateway/home_order.hpp"

#include <algorithm>
#include <iterator>

namespace coppice::gateway {

namespace {

/// A gateway that is asked for ever new models does not remember all of their homes.
constexpr std::size_t most_homes = 10'000;

std::string name_of(const proto::model_pool& pool) {
  std::string name;
  for (const auto& model : pool.models) name += (name.empty() ? "" : ",") + model;
  return name;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

// --- who is home ---------------------------------------------------------------------------

void place_book::set_pools(const std::vector<proto::model_pool>& pools) {
  homes_.clear();
  pool_of_.clear();
  for (const auto& pool : pools) {
    const auto name = name_of(pool);
    for (const auto& model : pool.models) pool_of_[model] = name;
  }
}

void place_book::joined(const std::string& scheduler) {
  schedulers_[scheduler] = false;
  homes_.clear();
}

void place_book::heard(const std::string& scheduler) {
  const auto found = schedulers_.find(scheduler);
  if (found == schedulers_.end() || !found->second) return;
  found->second = false;
  homes_.clear();
}

void place_book::silent(const std::string& scheduler) {
  const auto found = schedulers_.find(scheduler);
  if (found != schedulers_.end()) found->second = true;
  homes_.clear();
}

bool place_book::anybody_speaks() const {
  return std::any_of(schedulers_.begin(), schedulers_.end(),
                     [](const auto& each) { return !each.second; });
}

bool place_book::is_silent(const std::string& scheduler) const {
  const auto found = schedulers_.find(scheduler);
  return found != schedulers_.end() && found->second;
}

std::optional<std::string> place_book::home(std::string_view key) const {
  if (schedulers_.empty()) return std::nullopt;
  const bool speaking_only = anybody_speaks();
  std::vector<std::string> names;
  for (const auto& [name, silent] : schedulers_)
    if (!silent || !speaking_only) names.push_back(name);
  return home_order(key, std::move(names)).front();
}

/// There must be a scheduler.
const std::string& place_book::home_of(const std::string& model) {
  if (const auto known = homes_.find(model); known != homes_.end()) return known->second;
  if (homes_.size() >= most_homes) homes_.clear();
  const auto pool = pool_of_.find(model);
  return homes_[model] = *home(pool == pool_of_.end() ? model : pool->second);
}

std::vector<place_book::part> place_book::split(const proto::place_request& demand) {
  if (schedulers_.size() == 1) return {{++last_id_, schedulers_.begin()->first, demand}};
  std::map<std::string, proto::place_request> by_home;
  const auto part_of = [&](const std::string& model) -> proto::place_request& {
    return by_home
        .try_emplace(home_of(model),
                     proto::place_request{demand.gateway, demand.shard, {}, {}, demand.unreachable})
        .first->second;
  };
  for (const auto& want : demand.wants) part_of(want.model).wants.push_back(want);
  for (const auto& held : demand.holdings) part_of(held.model).holdings.push_back(held);
  if (by_home.empty()) part_of("");
  std::vector<part> split;
  for (auto& [scheduler, each] : by_home) split.push_back({++last_id_, scheduler, std::move(each)});
  return split;
}

// --- demands and their parts ---------------------------------------------------------------

void place_book::ask(open_demand& of, const proto::place_request& demand, outcome& out,
                     steady_time now) {
  for (auto& each : split(demand)) {
    ++of.parts;
    parts_.emplace(each.ticket, open_part{each, &of, now});
    out.ask.push_back(std::move(each));
  }
}

void place_book::finish_if_done(open_demand& of, outcome& out) {
  if (of.parts > 0) return;
  if (of.answered)
    out.replies.push_back(std::move(of.reply));
  else
    ++out.lost;
  demands_.remove_if([&](const open_demand& each) { return &each == &of; });
}

void place_book::make_room() {
  if (demands_.size() < limits_.demands) return;
  std::erase_if(parts_, [&](const auto& each) { return each.second.of == &demands_.front(); });
  demands_.pop_front();
}

place_book::outcome place_book::demand(const proto::place_request& demand, steady_time now) {
  outcome out;
  make_room();
  auto& opened = demands_.emplace_back(open_demand{});
  if (!schedulers_.empty()) ask(opened, demand, out, now);
  finish_if_done(opened, out);
  return out;
}

place_book::outcome place_book::answered(std::uint64_t ticket, proto::place_reply&& reply) {
  outcome out;
  const auto found = parts_.find(ticket);
  if (found == parts_.end()) return out;  // it was asked of another
  auto& of = *found->second.of;
  parts_.erase(found);
  append(of.reply.grants, std::move(reply.grants));
  append(of.reply.refused, std::move(reply.refused));
  of.answered = true;
  --of.parts;
  finish_if_done(of, out);
  return out;
}

/// Asks a part of whoever is home now; gives it up if there is nobody.
void place_book::ask_next(parts::iterator lost, outcome& out, steady_time now) {
  auto& of = *lost->second.of;
  const auto demand = std::move(lost->second.asked.demand);
  parts_.erase(lost);
  --of.parts;
  if (anybody_speaks()) {
    ++out.moved;
    ask(of, demand, out, now);
  }
  finish_if_done(of, out);
}

place_book::outcome place_book::failed(std::uint64_t ticket, steady_time now) {
  outcome out;
  const auto found = parts_.find(ticket);
  if (found == parts_.end()) return out;
  silent(found->second.asked.scheduler);
  ask_next(found, out, now);
  return out;
}

place_book::outcome place_book::gone(const std::string& scheduler, steady_time now) {
  outcome out;
  schedulers_.erase(scheduler);
  homes_.clear();
  for (auto each = parts_.begin(), next = each; each != parts_.end(); each = next) {
    next = std::next(each);
    if (each->second.asked.scheduler == scheduler) ask_next(each, out, now);
  }
  return out;
}

place_book::outcome place_book::turn(steady_time now) {
  outcome out;
  std::vector<std::uint64_t> overdue;
  for (const auto& [ticket, each] : parts_)
    if (!each.waits && now - each.at >= limits_.answer) overdue.push_back(ticket);
  for (const auto ticket : overdue) silent(parts_.at(ticket).asked.scheduler);
  for (const auto ticket : overdue) {
    if (anybody_speaks())
      ask_next(parts_.find(ticket), out, now);
    else
      parts_.at(ticket).waits = true;
  }
  return out;
}

}  // namespace coppice::gateway
