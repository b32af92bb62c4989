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
  shorten(attempt.how);
  shorten(attempt.then);
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
  arrived = from.arrived, sent = from.sent, answered = from.answered, ended = from.ended;
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
  auto sum = sizeof(detail) + id.size() + key.size() + session.size() + tenant.size() +
             message.size() + model.size();
  for (const auto& each : lost) sum += sizeof each + each.how.size() + each.then.size();
  return sum;
}

void flight_recorder::record(flight_model& of, const flight& ended) {
  const auto total = ended.ended - ended.arrived;
  of.totals.add(total);
  if (of.totals.count() % p99_every == 0) of.p99 = of.totals.quantile(0.99);
  auto lost = take_lost(ended.row);
  const bool slow = total >= options_.slow || (of.p99 > duration{0} && total > of.p99);
  if (ended.code || ended.attempts > 1) return keep(failed_, filled(of, ended, std::move(lost)));
  if (slow || !lost.empty() || !fits(ended)) return keep(slow_, filled(of, ended, std::move(lost)));
  last_[next_].fill(of, ended);
  next_ = next_ + 1 == last_.size() ? 0 : next_ + 1;
}

void flight_recorder::refused(std::string_view model, const flight& ended) {
  auto entry = filled(unnamed_, ended, {});
  entry.more->model = model.substr(0, proto::max_hop_text);
  keep(refused_, std::move(entry));
}

flight_recorder::entry flight_recorder::filled(const flight_model& of, const flight& from,
                                               std::vector<lost_flight>&& lost) {
  entry made;
  made.fill(of, from);
  made.more = std::make_unique<detail>(detail{std::string{from.id},
                                              std::string{from.key},
                                              std::string{from.session},
                                              std::string{from.tenant},
                                              std::string{from.message.substr(0, longest_message)},
                                              {},
                                              std::move(lost)});
  return made;
}

void flight_recorder::keep(shelf& on, entry&& kept) const {
  on.bytes += kept.more->bytes();
  on.entries.push_back(std::move(kept));
  while (on.entries.size() > options_.kept || on.bytes > options_.kept_bytes) {
    on.bytes -= on.entries.front().more->bytes();
    on.entries.pop_front();
  }
}

std::size_t flight_recorder::kept() const noexcept {
  return slow_.entries.size() + failed_.entries.size() + refused_.entries.size();
}

std::size_t flight_recorder::kept_bytes() const noexcept {
  return slow_.bytes + failed_.bytes + refused_.bytes;
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
    for (const auto* shelf : {&slow_, &failed_, &refused_})
      std::ranges::for_each(shelf->entries, look_at);
  }
  if (latest == nullptr)
    return fail(errc::not_found,
                "No request of that id or key is remembered: it never came, or too many have ended "
                "since. Give the id as the client sent it, or the key.");
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
  const auto at = [&](steady_time when) { return between(of.arrived, when, of.ended); };
  std::string waits_for;
  if (of.more)
    for (const auto& each : of.more->lost) {
      hops.add("wait", at(each.sent), {}, std::move(waits_for));
      if (each.incarnation) hops.add("attempt", at(each.ended), place(each.incarnation), each.how);
      waits_for = each.then;
    }
  hops.add("wait", at(of.incarnation ? of.sent : of.ended), {}, std::move(waits_for));
  if (!of.incarnation) return std::move(hops).take();
  if (of.answered == steady_time{}) {
    hops.add("attempt", of.ended, place(of.incarnation), "not answered by then");
    return std::move(hops).take();
  }
  std::string batch;
  if (of.batch_rows > 0)
    batch = fmt::format("batch of {} row{}, left by {}", of.batch_rows,
                        of.batch_rows == 1 ? "" : "s", of.release.view());
  hops.add_answer(at(of.answered), place(of.incarnation), of.batch_us, of.compute_us,
                  std::move(batch));
  if (of.answered < of.ended) hops.add("deliver", of.ended, {}, "until the client had read");
  return std::move(hops).take();
}

proto::explanation flight_recorder::explain_open(const flight_model& of, const flight& open) const {
  const auto noted = lost_.find(open.row);
  auto lost = noted == lost_.end() ? std::vector<lost_flight>{} : noted->second;
  auto told = explained(filled(of, open, std::move(lost)), open.ended);
  told.outcome = "open";
  return told;
}

proto::explanation flight_recorder::explained(const entry& of, steady_time now) const {
  proto::explanation told;
  told.id = shown_id({std::string{of.full(&detail::id, of.id.view())}});
  told.key = of.full(&detail::key, of.key.view());
  told.session = of.full(&detail::session, of.session.view());
  told.tenant = of.full(&detail::tenant, of.tenant.view());
  told.gateway = options_.gateway;
  told.model = of.full(&detail::model, of.model->name);
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
