#include "worker/node/progress_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace coppice::worker {

namespace {

double seconds(duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

std::string describe(const standstill& found) {
  if (found.what == standstill::part::load)
    return fmt::format("was still {} after {:.1f} s (its limit: {:.1f} s)",
                       found.model.empty() ? "starting" : "loading " + found.model,
                       seconds(found.stood), seconds(found.limit));
  const auto* where = found.what == standstill::part::step ? "made no progress in one step"
                                                           : "did not turn its loop";
  return fmt::format("{} for {:.1f} s (its limit: {:.1f} s)", where, seconds(found.stood),
                     seconds(found.limit));
}

std::optional<standstill> progress_watch::look(const progress_page& page, bool serving,
                                               steady_time now) {
  if (last_look_) watched_ += std::clamp<duration>(now - *last_look_, duration{0}, longest_gap);
  last_look_ = now;
  quiet_ = page.open_attempts.load(std::memory_order_relaxed) == 0;
  std::optional<standstill> found;
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    if (const auto hang = judge_lane(page.lanes[i], lanes_[i]); hang && !found) found = hang;
  if (const auto hang = judge_link(page); hang && !found) found = hang;
  if (serving) return found;
  turns_.since = watched_;
  return std::nullopt;
}

std::optional<standstill> progress_watch::judge_lane(const progress_page::lane& lane, seen& last) {
  const auto ticks = lane.ticks.load(std::memory_order_acquire);
  if (ticks != last.count) {
    last = {ticks, watched_};
    quiet_ = false;
  }
  if (ticks % 2 == 0) return std::nullopt;
  const auto limit = step_limit(lane.limit_us.load(std::memory_order_relaxed));
  if (watched_ - last.since < limit) return std::nullopt;
  // The limit is that of the step that was counted only if no other has begun meanwhile.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (lane.ticks.load(std::memory_order_relaxed) != ticks) return std::nullopt;
  return standstill{standstill::part::step, watched_ - last.since, limit, {}};
}

std::optional<standstill> progress_watch::judge_link(const progress_page& page) {
  const auto turns = page.loop_turns.load(std::memory_order_acquire);
  if (turns != turns_.count) turns_ = {turns, watched_};
  const bool open = page.open_attempts.load(std::memory_order_relaxed) > 0;
  const auto limit = open ? limits_.link : limits_.idle_link;
  if (watched_ - turns_.since < limit) return std::nullopt;
  return standstill{standstill::part::link, watched_ - turns_.since, limit, {}};
}

duration progress_watch::step_limit(std::uint64_t learned_us) const noexcept {
  if (learned_us == 0) return limits_.step;
  const auto learned = std::chrono::microseconds{std::min<std::uint64_t>(learned_us, 1ull << 40)};
  return std::min(limits_.step, std::max<duration>(learned, limits_.least_step));
}

std::vector<std::uint64_t> attempts_in_progress(const progress_page& page) {
  std::vector<std::uint64_t> attempts;
  for (const auto& lane : page.lanes) {
    if (lane.ticks.load(std::memory_order_acquire) % 2 == 0) continue;
    const auto n = std::min<std::size_t>(lane.attempt_count.load(std::memory_order_relaxed),
                                         progress_page::max_step_attempts);
    for (std::size_t i = 0; i < n; ++i)
      attempts.push_back(lane.attempts[i].load(std::memory_order_relaxed));
  }
  return attempts;
}

}  // namespace coppice::worker
