#include "worker/engine/sequence_slots.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

bool sequence_slots::add(sequence&& joining) {
  const auto free =
      std::find_if(slots_.begin(), slots_.end(), [](const auto& each) { return !each; });
  if (free == slots_.end()) return false;
  joining.start.slot = static_cast<std::uint32_t>(free - slots_.begin());
  free->emplace(std::move(joining));
  return true;
}

bool sequence_slots::may_go_on(const place& each, steady_time now) {
  return each.at != phase::over && !each.of.tokens.is_paused() && each.of.deadline > now;
}

void sequence_slots::join_step(place& each, std::uint32_t slot, token_step& step) {
  if (each.at == phase::joining) step.begins.push_back(std::move(each.of.start));
  each.at = phase::running;
  each.begun = true;
  each.in_step = true;
  step.advances.push_back(slot);
  step.attempts.push_back(each.of.id);
}

std::optional<token_step> sequence_slots::next(steady_time now) {
  if (stepping_) return std::nullopt;
  token_step step;
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot)
    if (auto& each = slots_[slot]; each && !each->of.alone && may_go_on(*each, now))
      join_step(*each, slot, step);
  if (step.advances.empty() && ends_.empty()) return std::nullopt;
  step.ends = std::exchange(ends_, {});
  stepping_ = true;
  return step;
}

const sequence_slots::place* sequence_slots::longest_waiting_suspect(steady_time now) const {
  const place* first = nullptr;
  for (const auto& each : slots_)
    if (each && each->of.alone && !each->in_step && may_go_on(*each, now) &&
        (first == nullptr || each->since < first->since))
      first = &*each;
  return first;
}

std::optional<steady_time> sequence_slots::suspect_since(steady_time now) const {
  const auto* first = longest_waiting_suspect(now);
  return first != nullptr ? std::optional{first->since} : std::nullopt;
}

std::optional<token_step> sequence_slots::next_suspect(steady_time now) {
  const auto* first = longest_waiting_suspect(now);
  if (stepping_ || first == nullptr) return std::nullopt;
  const auto same = [&](const auto& each) { return each && &*each == first; };
  const auto at = std::find_if(slots_.begin(), slots_.end(), same);
  token_step step;
  step.alone = true;
  join_step(**at, static_cast<std::uint32_t>(at - slots_.begin()), step);
  step.ends = std::exchange(ends_, {});
  stepping_ = true;
  return step;
}

void sequence_slots::finished(const finished_step& done, steady_time now) {
  stepping_ = false;
  for (const auto& start : done.ran.begins) slots_[start.slot]->first_step = done.began;
  for (std::size_t i = 0; i < done.ran.advances.size(); ++i) {
    auto& each = *slots_[done.ran.advances[i]];
    each.in_step = false;
    each.since = now;
    if (each.at == phase::over) continue;
    if (!done.tokens[i]) {
      end(each, done.tokens[i].error(), now);
      continue;
    }
    each.of.tokens.push(*done.tokens[i]);
    if (each.of.tokens.next() >= each.of.max_tokens) end(each, std::nullopt, now);
  }
}

void sequence_slots::end(place& ended, std::optional<error> why, steady_time now) {
  ended.at = phase::over;
  ended.failure = std::move(why);
  ended.ended = now;
}

sequence_slots::place* sequence_slots::find(const std::string& gateway, attempt_id id) {
  for (auto& each : slots_)
    if (each && each->at != phase::over && each->of.id == id && each->of.gateway == gateway)
      return &*each;
  return nullptr;
}

void sequence_slots::open_window(const std::string& gateway, attempt_id id, std::uint32_t chunks) {
  if (auto* found = find(gateway, id)) found->of.tokens.open_window(chunks);
}

bool sequence_slots::cancel(const std::string& gateway, attempt_id id, steady_time now) {
  auto* found = find(gateway, id);
  if (found == nullptr) return false;
  end(*found, error{errc::cancelled, "The request was cancelled.", 0}, now);
  return true;
}

void sequence_slots::drop_gateway(const std::string& gateway) {
  for (auto& each : slots_)
    if (each && each->of.gateway == gateway) each->at = phase::over, each->unheard = true;
}

void sequence_slots::expire(steady_time now) {
  for (auto& each : slots_)
    if (each && each->at != phase::over && each->of.deadline <= now)
      end(*each, error{errc::deadline, "The deadline passed before the stream was complete.", 0},
          now);
}

std::vector<sequence> sequence_slots::take_joining() {
  std::vector<sequence> taken;
  for (auto& each : slots_)
    if (each && each->at == phase::joining) {
      taken.push_back(std::move(each->of));
      each.reset();
    }
  return taken;
}

sequence_part sequence_slots::last_part(place& ended) {
  auto& of = ended.of;
  const auto first_step = ended.begun ? ended.first_step : ended.ended;
  sequence_part part;
  part.id = of.id;
  part.gateway = std::move(of.gateway);
  if (!ended.failure) part.tokens = of.tokens.take_rest();
  part.final = true;
  part.failure = std::move(ended.failure);
  part.waited = first_step - of.arrived;
  part.computed = ended.ended - first_step;
  part.bytes = of.bytes;
  part.alone = of.alone;
  part.unheard = ended.unheard;
  return part;
}

std::vector<sequence_part> sequence_slots::take_parts() {
  std::vector<sequence_part> parts;
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    auto& each = slots_[slot];
    if (!each) continue;
    if (each->at != phase::over) {
      if (auto chunk = each->of.tokens.take_chunk())
        parts.push_back(
            {each->of.id, each->of.gateway, std::move(*chunk), false, {}, {}, {}, 0, false, false});
    } else if (!each->in_step) {
      parts.push_back(last_part(*each));
      if (each->begun) ends_.push_back(slot);
      each.reset();
    }
  }
  return parts;
}

std::optional<steady_time> sequence_slots::next_deadline() const {
  std::optional<steady_time> first;
  for (const auto& each : slots_)
    if (each && each->at != phase::over && (!first || each->of.deadline < *first))
      first = each->of.deadline;
  return first;
}

std::uint32_t sequence_slots::count(phase at) const {
  return static_cast<std::uint32_t>(std::count_if(
      slots_.begin(), slots_.end(), [&](const auto& each) { return each && each->at == at; }));
}

std::uint32_t sequence_slots::running() const { return count(phase::running); }
std::uint32_t sequence_slots::joining() const { return count(phase::joining); }

}  // namespace coppice::worker
