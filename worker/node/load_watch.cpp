#include "worker/node/load_watch.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

namespace {

/// In whole seconds, rounded up; far below the overflow of a duration.
duration reading_time(std::uint64_t bytes, std::uint64_t bytes_per_s) {
  constexpr std::uint64_t longest_s = 30 * 24 * 3600;
  const auto rate = std::max<std::uint64_t>(bytes_per_s, 1);
  const auto s = bytes / rate + (bytes % rate > 0 ? 1 : 0);
  return std::chrono::seconds{std::min(s, longest_s)};
}

}  // namespace

void load_watch::begun(std::string model, std::uint64_t bytes) {
  model_ = std::move(model);
  bytes_ = bytes;
  watched_ = duration{0};
}

std::optional<standstill> load_watch::look(steady_time now) {
  if (last_look_)
    watched_ += std::clamp<duration>(now - *last_look_, duration{0}, progress_watch::longest_gap);
  last_look_ = now;
  const auto limit = limits_.load + reading_time(bytes_, limits_.load_bytes_per_s);
  if (watched_ < limit) return std::nullopt;
  return standstill{standstill::part::load, watched_, limit, model_};
}

}  // namespace coppice::worker
