#include "scheduler/poison/poison_register.hpp"

#include <algorithm>

namespace coppice::scheduler {

namespace {

constexpr std::string_view in_trial = "trial";
constexpr std::string_view convicted = "convicted";
constexpr std::string_view cleared = "cleared";

}  // namespace

duration poison_register::lifetime(std::string_view verdict) const {
  if (verdict == in_trial) return limits_.trial;
  return verdict == convicted ? limits_.convicted : limits_.cleared;
}

proto::judgement poison_register::told(const entry& each, steady_time now) {
  return {each.of, each.verdict, each.gateway, to_us(each.lapses - now)};
}

void poison_register::drop(entries::iterator each) {
  by_fingerprint_.erase(each->of);
  entries_.erase(each);
}

/// Replaces what was judged before; makes room if it is new.
proto::judgement poison_register::judge(const proto::fingerprint& of, std::string_view verdict,
                                        steady_time now) {
  if (const auto known = by_fingerprint_.find(of); known != by_fingerprint_.end())
    drop(known->second);
  else if (entries_.size() >= limits_.fingerprints)
    drop(entries_.begin());
  const auto made =
      entries_.insert(entries_.end(), {of, std::string{verdict}, {}, {}, now + lifetime(verdict)});
  by_fingerprint_[of] = made;
  return told(*made, now);
}

proto::judgement poison_register::suspect_one(const proto::fingerprint& of,
                                              const std::string& gateway, steady_time now) {
  const auto known = by_fingerprint_.find(of);
  if (known != by_fingerprint_.end() && now < known->second->lapses &&
      known->second->verdict != cleared) {
    auto& each = *known->second;
    auto& next = each.waiting;
    if (each.verdict == in_trial && each.gateway != gateway && next.size() < limits_.waiting &&
        std::find(next.begin(), next.end(), gateway) == next.end())
      next.push_back(gateway);
    return told(each, now);
  }
  judge(of, in_trial, now);
  entries_.back().gateway = gateway;
  return told(entries_.back(), now);
}

std::vector<proto::judgement> poison_register::suspect(const proto::suspicion& told,
                                                       steady_time now) {
  std::vector<proto::judgement> judged;
  for (const auto& of : told.suspects) judged.push_back(suspect_one(of, told.gateway, now));
  return judged;
}

std::optional<proto::judgement> poison_register::tried(const proto::trial_result& told,
                                                       steady_time now) {
  if (told.killed) return judge(told.of, convicted, now);
  const auto known = by_fingerprint_.find(told.of);
  const bool of_another =
      known != by_fingerprint_.end() && now < known->second->lapses &&
      (known->second->verdict == convicted ||
       (known->second->verdict == in_trial && known->second->gateway != told.gateway));
  if (of_another) return std::nullopt;
  return judge(told.of, cleared, now);
}

/// The trial's gateway does not end it.
std::optional<proto::judgement> poison_register::pass_on(entries::iterator trial, steady_time now) {
  auto waiting = std::move(trial->waiting);
  const auto of = trial->of;
  if (waiting.empty()) {
    drop(trial);
    return std::nullopt;
  }
  judge(of, in_trial, now);
  auto& next = entries_.back();
  next.gateway = std::move(waiting.front());
  waiting.erase(waiting.begin());
  next.waiting = std::move(waiting);
  return told(next, now);
}

std::vector<proto::judgement> poison_register::gateway_gone(const std::string& gateway,
                                                            steady_time now) {
  std::vector<proto::judgement> judged;
  for (auto each = entries_.begin(), next = each; each != entries_.end(); each = next) {
    next = std::next(each);
    std::erase(each->waiting, gateway);
    if (each->verdict != in_trial || each->gateway != gateway) continue;
    if (auto passed = pass_on(each, now)) judged.push_back(std::move(*passed));
  }
  return judged;
}

std::vector<proto::judgement> poison_register::turn(steady_time now) {
  std::vector<proto::judgement> judged;
  for (auto each = entries_.begin(), next = each; each != entries_.end(); each = next) {
    next = std::next(each);
    if (now < each->lapses) continue;
    if (auto passed = pass_on(each, now)) judged.push_back(std::move(*passed));
  }
  return judged;
}

std::vector<proto::judgement> poison_register::live(steady_time now) const {
  std::vector<proto::judgement> all;
  for (const auto& each : entries_)
    if (now < each.lapses) all.push_back(told(each, now));
  return all;
}

}  // namespace coppice::scheduler
