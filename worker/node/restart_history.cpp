#include "worker/node/restart_history.hpp"

#include <algorithm>

namespace coppice::worker {

void restart_history::add(steady_time now, std::string cause, std::string reason) {
  entries_.push_front({now, std::move(cause), std::move(reason)});
  if (entries_.size() > kept) entries_.pop_back();
}

std::vector<proto::restart_note> restart_history::notes(steady_time now, std::size_t most) const {
  std::vector<proto::restart_note> out;
  const auto n = std::min(most, entries_.size());
  for (std::size_t i = 0; i < n; ++i)
    out.push_back({to_us(now - entries_[i].at) / 1000, entries_[i].cause, entries_[i].reason});
  return out;
}

}  // namespace coppice::worker
