#include "actors/supervisor.hpp"

#include <algorithm>

namespace coppice::actors {

std::string_view strategy_name(strategy of) noexcept {
  return of == strategy::one_for_one ? "one-for-one" : "all-for-one";
}

supervisor::supervisor(strategy how, std::size_t children, restart_options options)
    : how_{how}, options_{options}, members_(children) {}

supervisor::reaction supervisor::ended(child which, steady_time now, double draw) {
  auto& failed = members_.at(which);
  const auto was = failed.at;
  failed.at = phase::waiting;
  if (was == phase::stopping || was == phase::waiting) return {};
  failed.unready = was == phase::ready ? 0 : failed.unready + 1;
  reaction now_do;
  if (how_ == strategy::all_for_one) stop_siblings(now_do.stop);
  if (given_up_) return now_do;
  if (too_much(failed, now)) {
    given_up_ = now_do.exceeded = true;
    return now_do;
  }
  recent_.push_back(now);
  const auto streak = std::max(static_cast<std::uint32_t>(recent_.size()), failed.unready);
  start_at(which, now + options_.pause.delay(streak, draw));
  return now_do;
}

bool supervisor::too_much(const member& failed, steady_time now) {
  if (trial_ && !trial_passed(now)) return true;
  trial_ = false;
  while (!recent_.empty() && now - recent_.front() >= options_.period) recent_.pop_front();
  return recent_.size() >= options_.intensity || failed.unready > options_.intensity;
}

bool supervisor::trial_passed(steady_time now) const noexcept {
  return all_ready_since_ != steady_time{} && now - all_ready_since_ >= options_.period;
}

void supervisor::stop_siblings(std::vector<child>& stopped) {
  for (child i = 0; i < members_.size(); ++i)
    if (members_[i].at == phase::running || members_[i].at == phase::ready) {
      members_[i].at = phase::stopping;
      stopped.push_back(i);
    }
}

void supervisor::start_at(child which, steady_time at) {
  if (how_ == strategy::one_for_one) members_[which].start_at = at;
  if (how_ == strategy::all_for_one)
    for (auto& each : members_) each.start_at = at;
}

void supervisor::ready(child which, steady_time now) {
  auto& one = members_.at(which);
  if (one.at != phase::running) return;
  one.at = phase::ready;
  one.unready = 0;
  if (std::ranges::all_of(members_, [](const auto& each) { return each.at == phase::ready; }))
    all_ready_since_ = now;
}

bool supervisor::all_waiting() const noexcept {
  return std::ranges::all_of(members_, [](const auto& each) { return each.at == phase::waiting; });
}

std::vector<supervisor::child> supervisor::due(steady_time now) {
  std::vector<child> start;
  if (given_up_ || (how_ == strategy::all_for_one && !all_waiting())) return start;
  for (child i = 0; i < members_.size(); ++i)
    if (members_[i].at == phase::waiting && now >= members_[i].start_at) {
      members_[i].at = phase::running;
      start.push_back(i);
    }
  return start;
}

std::optional<steady_time> supervisor::next_due() const {
  std::optional<steady_time> next;
  if (given_up_ || (how_ == strategy::all_for_one && !all_waiting())) return next;
  for (const auto& each : members_)
    if (each.at == phase::waiting && (!next || each.start_at < *next)) next = each.start_at;
  return next;
}

void supervisor::try_again(steady_time now) {
  if (!given_up_) return;
  given_up_ = false;
  trial_ = true;
  all_ready_since_ = {};
  recent_.clear();
  for (auto& each : members_) {
    each.start_at = now;
    each.unready = 0;
  }
}

void supervisor::replaced(steady_time now) {
  given_up_ = trial_ = false;
  recent_.clear();
  for (auto& each : members_) each = {phase::ready, now, 0};
  all_ready_since_ = now;
}

}  // namespace coppice::actors
