#include "scheduler/health/outlier_watch.hpp"

#include <algorithm>
#include <cmath>

namespace coppice::scheduler {

namespace {

constexpr duration half_window = 5s;
constexpr double never_by_chance = 1e-9;
constexpr double hardly_by_chance = 1e-3;
/// An engine that answers this much more than the others is busy.
constexpr double busier = 1.5;

double seconds(duration d) { return std::chrono::duration<double>(d).count(); }

/// The lower one of two in the middle.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string milliseconds(double us) { return std::to_string(std::llround(us / 1000)) + " ms"; }

}  // namespace

void outlier_watch::recent_outcomes::add(const proto::holding& seen, steady_time now) {
  if (now - began >= half_window) {
    const bool fresh = now - began < 2 * half_window;
    earlier_completed = fresh ? completed : 0;
    earlier_failed = fresh ? failed : 0;
    completed = failed = 0;
    began = now;
  }
  completed += seen.completed;
  failed += seen.failed;
}

bool outlier_watch::take_latency(track& of, const proto::holding& seen, steady_time now) const {
  if (!of.began || now - *of.began > limits_.valid) {
    of.began = now;
    of.replies = of.latency_us = 0;
  }
  of.replies += seen.completed;
  of.latency_us += seen.latency_us;
  const auto took = now - *of.began;
  if (of.replies < limits_.replies || took < limits_.sample) return false;
  const auto replies = static_cast<double>(of.replies);
  of.before = of.latency;
  of.latency = mean{static_cast<double>(of.latency_us) / replies, replies / seconds(took), now};
  of.replies = of.latency_us = 0;
  of.began = now;
  return true;
}

bool outlier_watch::report(const proto::holding& seen, steady_time now) {
  if (seen.completed + seen.failed == 0) return false;
  auto& of = models_[{seen.model, seen.version}][seen.incarnation];
  of.recent.add(seen, now);
  // Their order is not told: one success may have been the last.
  of.failed_in_a_row = seen.completed > 0 ? 0 : of.failed_in_a_row + seen.failed;
  const bool measured = seen.completed > 0 && take_latency(of, seen, now);
  return measured || of.failed_in_a_row >= limits_.failures;
}

void outlier_watch::forget(incarnation_id engine) {
  for (auto& [model, all] : models_) all.erase(engine);
  std::erase_if(models_, [](const auto& entry) { return entry.second.empty(); });
}

/// Of that many failures in a row, if its attempts failed as often as those of the others.
double outlier_watch::chance(const tracks& all, incarnation_id engine, steady_time now) {
  std::uint64_t completed = 0, failed = 0;
  for (const auto& [other, of] : all) {
    if (other == engine || now - of.recent.began >= 2 * half_window) continue;
    completed += of.recent.completed + of.recent.earlier_completed;
    failed += of.recent.failed + of.recent.earlier_failed;
  }
  if (completed == 0) return 1;  // nobody does better
  const auto share = static_cast<double>(failed) / static_cast<double>(completed + failed);
  return std::pow(share, static_cast<double>(all.at(engine).failed_in_a_row));
}

std::optional<std::string> outlier_watch::slow(const tracks& all, incarnation_id engine,
                                               const std::string& model, steady_time now) const {
  const auto& own = all.at(engine).latency;
  const auto& before = all.at(engine).before;
  if (!own || !before || now - before->at > limits_.valid) return std::nullopt;
  std::vector<double> latencies, rates;
  for (const auto& [other, of] : all) {
    if (other == engine || !of.latency || now - of.latency->at > limits_.valid) continue;
    latencies.push_back(of.latency->us);
    rates.push_back(of.latency->per_second);
  }
  if (latencies.empty() || own->per_second > busier * median(rates)) return std::nullopt;
  const auto usual = median(latencies), least = std::min(own->us, before->us);
  if (least <= limits_.slower * usual || least - usual < static_cast<double>(to_us(limits_.excess)))
    return std::nullopt;
  return "its attempts on '" + model + "' took " + milliseconds(own->us) +
         " on average, those of the others " + milliseconds(usual);
}

std::optional<std::string> outlier_watch::outlier(incarnation_id engine, steady_time now) const {
  for (const auto& [model, all] : models_) {
    const auto found = all.find(engine);
    if (found == all.end()) continue;
    const auto row = found->second.failed_in_a_row;
    if (row >= limits_.failures && chance(all, engine, now) < never_by_chance)
      return std::to_string(row) + " attempts on '" + model.first +
             "' failed in a row while those of others succeed";
    if (auto why = slow(all, engine, model.first, now)) return why;
  }
  return std::nullopt;
}

bool outlier_watch::doubtful(incarnation_id engine, steady_time now) const {
  return std::any_of(models_.begin(), models_.end(), [&](const auto& entry) {
    const auto found = entry.second.find(engine);
    return found != entry.second.end() && found->second.failed_in_a_row > 0 &&
           chance(entry.second, engine, now) < hardly_by_chance;
  });
}

}  // namespace coppice::scheduler
