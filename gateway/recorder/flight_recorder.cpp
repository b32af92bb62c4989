#include "gateway/recorder/flight_recorder.hpp"

#include "gateway/recorder/flight_hops.hpp"
#include "gateway/shard/request_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

constexpr std::size_t lost_a_row = 32;
constexpr std::size_t longest_message = 1024;
constexpr std::uint32_t p99_every = 256;

/// A time that lies between the two, whatever the caller says.
steady_time between(steady_time low, steady_time at, steady_time high) {
  return std::clamp(at, low, std::max(low, high));
}

void shorten(std::string& text) {
  if (text.size() > proto::max_hop_text) text = text.substr(0, proto::max_hop_text);
}

}  // namespace

flight_recorder::flight_recorder(recorder_options options) : options_{std::move(options)} {
  last_.resize(std::max<std::size_t>(1, options_.last));
}

flight_model& flight_recorder::model(std::string name, std::uint32_t version) {
  return models_.emplace_back(flight_model{std::move(name), version, {}, duration{0}});
}

void flight_recorder::engine(incarnation_id incarnation, std::string name) {
  if (!engines_.insert_or_assign(incarnation, std::move(name)).second) return;
  engine_order_.push_back(incarnation);
  if (engine_order_.size() <= options_.engines) return;
  engines_.erase(engine_order_.front());
  engine_order_.pop_front();
}

void flight_recorder::attempt_lost(row_id row, lost_flight&& attempt) {
  if (lost_.size() >= options_.noted_rows && !lost_.contains(row)) return;
  auto& list = lost_[row];
  if (list.size() >= lost_a_row) return;
  shorten(attempt.engine);
  shorten(attempt.how);
  list.push_back(std::move(attempt));
}

std::vector<lost_flight> flight_recorder::take_lost(row_id row) {
  if (lost_.empty()) return {};
  auto found = lost_.extract(row);
  return found ? std::move(found.mapped()) : std::vector<lost_flight>{};
}

bool flight_recorder::fits(const flight& ended) noexcept {
  return ended.id.size() <= decltype(entry::id.text){}.size() &&
         ended.tenant.size() <= decltype(entry::tenant.text){}.size() &&
         ended.key.size() <= decltype(entry::key.text){}.size() &&
         ended.session.size() <= decltype(entry::session.text){}.size();
}

void flight_recorder::entry::fill(const flight_model& of, const flight& from) noexcept {
  model = &of;
  arrived = from.arrived, sent = from.sent, ended = from.ended;
  incarnation = from.incarnation;
  batch_us = from.batch_us, compute_us = from.compute_us;
  version = from.version, batch_rows = from.batch_rows;
  attempts = from.attempts, refusals = from.refusals;
  code = from.code;
  id.put(from.id), tenant.put(from.tenant), key.put(from.key), session.put(from.session);
  priority_class.put(from.priority_class), release.put(from.release);
  more.reset();
}

std::size_t flight_recorder::detail::bytes() const noexcept {
  auto sum =
      sizeof(detail) + id.size() + key.size() + session.size() + tenant.size() + message.size();
  for (const auto& each : lost) sum += sizeof each + each.engine.size() + each.how.size();
  return sum;
}

void flight_recorder::record(flight_model& of, const flight& ended) {
  const auto total = ended.ended - ended.arrived;
  of.totals.add(total);
  if (of.totals.count() % p99_every == 0) of.p99 = of.totals.quantile(0.99);
  auto lost = take_lost(ended.row);
  const bool slow = total >= options_.slow || (of.p99 > duration{0} && total > of.p99);
  if (slow || ended.code || !lost.empty() || !fits(ended)) return keep(of, ended, std::move(lost));
  last_[next_].fill(of, ended);
  next_ = next_ + 1 == last_.size() ? 0 : next_ + 1;
}

void flight_recorder::keep(const flight_model& of, const flight& ended,
                           std::vector<lost_flight>&& lost) {
  auto& kept = kept_.emplace_back();
  kept.fill(of, ended);
  kept.more = std::make_unique<detail>(detail{std::string{ended.id}, std::string{ended.key},
                                              std::string{ended.session}, std::string{ended.tenant},
                                              std::string{ended.message.substr(0, longest_message)},
                                              std::move(lost)});
  kept_bytes_ += kept.more->bytes();
  while (kept_.size() > options_.kept || kept_bytes_ > options_.kept_bytes) {
    kept_bytes_ -= kept_.front().more->bytes();
    kept_.pop_front();
  }
}

bool flight_recorder::entry::is_called(std::string_view target) const {
  if (model == nullptr) return false;
  if (full(&detail::key, key.view()) == target) return true;
  return shown_id({std::string{full(&detail::id, id.view())}}) == target;
}

expected<proto::explanation> flight_recorder::explain(std::string_view target,
                                                      steady_time now) const {
  const entry* latest = nullptr;
  std::uint32_t found = 0;
  const auto look_at = [&](const entry& each) {
    if (!each.is_called(target)) return;
    ++found;
    if (latest == nullptr || each.ended >= latest->ended) latest = &each;
  };
  if (!target.empty()) {
    std::ranges::for_each(last_, look_at);
    std::ranges::for_each(kept_, look_at);
  }
  if (latest == nullptr)
    return fail(errc::not_found,
                "This gateway remembers no request of that id or key. It is open "
                "still, went to another gateway, or ended too long ago.");
  auto told = explained(*latest, now);
  told.others = found - 1;
  return told;
}

std::string flight_recorder::place(incarnation_id incarnation) const {
  const auto found = engines_.find(incarnation);
  return fmt::format("{} ({:016x})", found == engines_.end() ? "engine" : found->second,
                     incarnation.value);
}

std::vector<proto::hop> flight_recorder::hops_of(const entry& of) const {
  flight_hops hops{of.arrived};
  if (of.more)
    for (const auto& each : of.more->lost) {
      hops.add("wait", between(of.arrived, each.sent, of.ended));
      hops.add("attempt", between(of.arrived, each.ended, of.ended),
               fmt::format("{} ({:016x})", each.engine, each.incarnation.value), each.how);
    }
  if (!of.incarnation) {
    hops.add("wait", of.ended);
    return std::move(hops).take();
  }
  hops.add("wait", between(of.arrived, of.sent, of.ended));
  std::string batch;
  if (of.batch_rows > 0)
    batch = fmt::format("batch of {} rows, left by {}", of.batch_rows, of.release.view());
  hops.add_answer(of.ended, place(of.incarnation), of.batch_us, of.compute_us, std::move(batch));
  return std::move(hops).take();
}

proto::explanation flight_recorder::explained(const entry& of, steady_time now) const {
  proto::explanation told;
  told.id = shown_id({std::string{of.full(&detail::id, of.id.view())}});
  told.key = of.full(&detail::key, of.key.view());
  told.session = of.full(&detail::session, of.session.view());
  told.tenant = of.full(&detail::tenant, of.tenant.view());
  told.gateway = options_.gateway;
  told.model = of.model->name;
  told.version = of.version;
  told.priority_class = of.priority_class.view();
  told.outcome = of.code ? code_name(*of.code) : "completed";
  if (of.more) told.message = of.more->message;
  told.ended_ago_us = to_us(now - of.ended);
  told.total_us = to_us(of.ended - of.arrived);
  told.attempts = of.attempts;
  told.refusals = of.refusals;
  told.hops = hops_of(of);
  return told;
}

}  // namespace coppice::gateway
