#include "worker/node/restart_history.hpp"

#include <algorithm>
#include <sys/wait.h>

namespace coppice::worker {

void restart_history::add(steady_time now, const engine_exit& how, std::string reason) {
  const auto status = how.wait_status;
  proto::restart_note note;
  note.cause = cause_name(how.cause);
  note.reason = std::move(reason);
  note.signal = WIFSIGNALED(status) ? static_cast<std::uint32_t>(WTERMSIG(status)) : 0;
  note.exit_status = WIFEXITED(status) ? static_cast<std::uint32_t>(WEXITSTATUS(status)) : 0;
  const auto suspects = std::min(how.suspects.size(), kept_suspects);
  note.suspects.assign(how.suspects.begin(),
                       how.suspects.begin() + static_cast<std::ptrdiff_t>(suspects));
  entries_.push_front({now, std::move(note)});
  if (entries_.size() > kept) entries_.pop_back();
}

std::vector<proto::restart_note> restart_history::notes(steady_time now, std::size_t most) const {
  std::vector<proto::restart_note> out;
  const auto n = std::min(most, entries_.size());
  for (std::size_t i = 0; i < n; ++i)
    out.emplace_back(entries_[i].note).ago_ms = to_us(now - entries_[i].at) / 1000;
  return out;
}

}  // namespace coppice::worker
