#include "gateway/shard/shard.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

/// A scheduler that grants what may not be used does not know better yet.
constexpr duration unusable_grant_pause = 20ms;

}  // namespace

shard::shard(shard_options options, shard_effects& effects, shard_counts* counts)
    : options_{std::move(options)},
      effects_{effects},
      counts_{counts},
      ledger_{static_cast<std::uint32_t>(options_.seed >> 32)},
      tenants_{options_.tenants},
      clients_{{options_.sessions, options_.outcomes, options_.seed}, effects, counts},
      links_{options_.links},
      poison_{options_.gateway, options_.poison},
      recorder_{options_.recorder},
      draws_{static_cast<std::minstd_rand::result_type>(options_.seed)} {}

double shard::draw() {
  return static_cast<double>(draws_() - draws_.min()) /
         (static_cast<double>(draws_.max() - draws_.min()) + 1);
}

// --- schedulers ----------------------------------------------------------------------------

void shard::ask(steady_time now) {
  if (place_in_flight_) return;
  proto::place_request demand{options_.gateway, options_.index, {}, {}, {}};
  for (const auto& [key, each] : routes_) {
    if (each->waiting.empty() || now < each->ask_after) continue;
    const auto left = each->waiting.front().deadline - now;
    demand.wants.push_back({each->model(), each->version(), each->waiting.cost(), to_us(left)});
    each->asked = true;
  }
  if (demand.wants.empty() && !holdings_changed_) return;
  for (const auto& [key, each] : routes_)
    if (!each->asked && each->waiting.empty() && each->credit.in_flight() > 0)
      demand.wants.push_back({each->model(), each->version(), 0, 0});
  for (const auto& [key, each] : routes_) each->credit.report(each->model(), demand.holdings);
  demand.unreachable = unreachable_.list(proto::max_unreachable);
  place_in_flight_ = true;
  holdings_changed_ = false;
  placed_at_ = now;
  effects_.place(std::move(demand));
}

bool shard::may_use(incarnation_id incarnation) const {
  return !draining_.contains(incarnation) && !unreachable_.contains(incarnation);
}

/// A process had the engine's address before, and has ended, though nobody said so: two links to
/// one address would take each other's messages.
void shard::free_address(const proto::grant& granted, steady_time now) {
  if (links_.find(granted.incarnation) != nullptr) return;
  unreachable_.forget_address(granted.endpoint, granted.incarnation);
  if (const auto* before = links_.find_endpoint(granted.endpoint))
    link_lost(engine_link{*before}, {"was lost: another engine has its address", std::nullopt, {}},
              now);
}

void shard::on_place_reply(const proto::place_reply& reply, steady_time now) {
  for (const auto& each : reply.grants) free_address(each, now);
  place_in_flight_ = false;
  for (const auto& each : reply.grants) {
    const auto on = routes_.find({each.model, each.wanted_version});
    if (on == routes_.end()) continue;
    if (!may_use(each.incarnation)) {
      on->second->ask_after = now + unusable_grant_pause;
      continue;
    }
    if (const auto* link = links_.open(each)) {
      recorder_.engine(link->incarnation, link->engine);
      effects_.open_link(*link);
    }
    on->second->credit.grant(each, now);
    on->second->unserved_since = steady_time::max();
  }
  for (const auto& each : reply.refused) {
    const auto on = routes_.find({each.model, each.version});
    if (on == routes_.end()) continue;
    on->second->ask_after = now + std::chrono::microseconds{each.retry_after_us};
    auto& since = on->second->unserved_since;
    on->second->refused_at = now;
    if (each.code != code_name(errc::unavailable))
      since = steady_time::max();
    else if (since == steady_time::max())
      since = now;
  }
  for (const auto& [key, each] : routes_) {
    each->asked = false;
    spend_credit(*each, now);
  }
  carry_out_orders(now);
  ask(now);
}

void shard::on_place_lost(steady_time now) {
  if (!place_in_flight_) return;
  place_in_flight_ = false;
  for (const auto& [key, each] : routes_) {
    if (each->asked) each->ask_after = now + 20ms;
    each->asked = false;
  }
}

void shard::on_catalogue(proto::catalogue catalogue, steady_time now) {
  catalogue_.take(std::move(catalogue), now);
  for (const auto& [key, each] : routes_) {
    const auto* card = catalogue_.served(each->model(), each->version());
    if (card == nullptr) continue;
    each->ask_after = {};
    each->hedge_after = std::chrono::microseconds{card->hedge_after_us};
  }
}

void shard::on_judgement(const proto::judgement& judged, steady_time now) {
  if (judged.verdict == "convicted" && counts_ != nullptr) counts_->convictions.Increment();
  poison_.judge(judged, now);
  carry_out_orders(now);
}

void shard::on_drain_notice(const proto::drain_notice& notice, steady_time now) {
  for (const auto incarnation : notice.over) draining_.erase(incarnation);
  holdings_changed_ = true;
  if (notice.incarnations.empty()) return ask(now);
  proto::drain_ack ack{options_.gateway, notice.incarnations, 0};
  for (const auto incarnation : notice.incarnations) {
    const bool begins =
        draining_.insert_or_assign(incarnation, now + options_.drain_notice_ttl).second;
    if (begins && counts_ != nullptr) counts_->drains.Increment();
    for (const auto& [key, each] : routes_) {
      each->credit.drop_idle(incarnation);
      ack.in_flight += each->credit.in_flight(incarnation);
    }
  }
  effects_.tell(std::move(ack));
}

// --- time ----------------------------------------------------------------------------------

void shard::miss_deadline(ledger_row& row, steady_time now) {
  const char* why = row.attempt ? "The deadline passed while an engine had the request."
                    : row.deadline <= now
                        ? "The deadline passed while the request waited."
                        : "The request waited until less time was left than engines take.";
  send_cancel(row);
  finish_with_error(row, {errc::deadline, why, 0}, outcome::expired, now);
}

void shard::resume_paused(steady_time now) {
  while (!paused_.empty() && paused_.top().first <= now) {
    const auto [at, id] = paused_.top();
    paused_.pop();
    auto* row = ledger_.find(id);
    if (row == nullptr || row->state != row_state::paused || row->resume_at != at) continue;
    wait(*row, now);
    spend_credit(*row->on, now);
  }
}

void shard::fail_unserved(steady_time now) {
  for (const auto& [key, each] : routes_) {
    if (each->unserved_since == steady_time::max() ||
        now - each->unserved_since < options_.unserved_grace)
      continue;
    while (!each->waiting.empty()) {
      auto& row = *ledger_.find(each->waiting.front().row);
      if (row.arrived > each->refused_at) break;  // the verdict is older than the row
      finish_with_error(row, nothing_serves(each->model(), 1000), outcome::failed, now);
    }
  }
}

void shard::on_tick(steady_time now) {
  for (const auto id : ledger_.expired(now))
    if (auto* row = ledger_.find(id)) miss_deadline(*row, now);
  resume_paused(now);
  deliver_held_back(now);
  for (const auto& [key, each] : routes_) {
    if (!each->owed.empty()) retry_owing(*each, now);
    send_due_hedges(*each, now);
  }
  fail_unserved(now);
  cancel_rows(clients_.tick(now), "The client did not come back.", now);
  poison_.tick(now);
  carry_out_orders(now);
  while (!unexplained_.empty() && now - unexplained_.front().at >= options_.late_word)
    unexplained_.pop_front();
  std::erase_if(draining_, [&](const auto& each) { return each.second <= now; });
  if (place_in_flight_ && now - placed_at_ >= options_.place_limit) on_place_lost(now);
  watch_links(now);
  bool holds = false;
  for (const auto& [key, each] : routes_) {
    if (each->credit.lapse(now)) holdings_changed_ = true;
    holds = holds || !each->credit.empty();
  }
  if (holds && now - placed_at_ >= options_.place_limit) holdings_changed_ = true;
  ask(now);
  publish_gauges(now);
}

shard_look shard::look() const {
  std::set<std::string_view> names;
  for (const auto& card : catalogue_.models()) names.insert(card.name);
  return {names.size(), links_.size(), ledger_.open_rows()};
}

void shard::on_stop(steady_time now) {
  for (const auto id : ledger_.select([](const ledger_row&) { return true; })) {
    auto* row = ledger_.find(id);
    if (row == nullptr) continue;
    send_cancel(*row);
    // `unavailable` invites the client to ask again: what may have run at most once must not.
    if (row->attempts > 0 && row->request.header.at_most_once)
      finish_with_error(*row, {errc::unknown_outcome, "The gateway stops; an attempt was made.", 0},
                        outcome::failed, now);
    else
      finish_with_error(*row, {errc::unavailable, "The gateway stops.", 100}, outcome::failed, now);
  }
}

void shard::publish_gauges(steady_time now) {
  if (counts_ == nullptr) return;
  double credit = 0;
  std::size_t broken = 0;
  for (const auto& [key, each] : routes_) {
    credit += each->credit.idle();
    broken += each->breakers.open();
    for (const auto rank : priorities) {
      const auto since = each->waiting.oldest(rank);
      const auto age = since == steady_time::max() ? duration{0} : now - since;
      each->counts->oldest_wait[index_of(rank)]->Set(std::chrono::duration<double>(age).count());
    }
  }
  counts_->open_breakers.Set(static_cast<double>(broken));
  counts_->draining_engines.Set(static_cast<double>(draining_.size()));
  counts_->credit_rows.Set(credit);
  counts_->waiting_rows.Set(static_cast<double>(waiting_));
  counts_->open_requests.Set(static_cast<double>(ledger_.open_rows()));
  counts_->admitted_bytes.Set(static_cast<double>(ledger_.open_bytes()));
  counts_->outgoing_bytes.Set(static_cast<double>(effects_.unread_bytes()));
  counts_->engine_links.Set(static_cast<double>(links_.size()));
  counts_->unreachable_engines.Set(static_cast<double>(unreachable_.size()));
}

}  // namespace coppice::gateway
