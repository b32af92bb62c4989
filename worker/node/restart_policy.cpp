#include "worker/node/restart_policy.hpp"

namespace coppice::worker {

std::optional<duration> restart_policy::after_exit(steady_time now, double draw) {
  while (!recent_.empty() && now - recent_.front() >= options_.period) recent_.pop_front();
  if (recent_.size() >= options_.intensity) return std::nullopt;
  recent_.push_back(now);
  return options_.pause.delay(static_cast<std::uint32_t>(recent_.size()), draw);
}

}  // namespace coppice::worker
