#include "worker/node/node_drain.hpp"

#include <algorithm>

namespace coppice::worker {

void node_drain::begin_stop(steady_time now) {
  if (!stop_since_) stop_since_ = now;
}

void node_drain::quiet(std::size_t engine, bool is_quiet, steady_time now) {
  auto& since = engines_.at(engine).quiet_since;
  if (!is_quiet)
    since.reset();
  else if (!since)
    since = now;
}

void node_drain::alive(std::size_t engine, bool is_alive) {
  engines_.at(engine).alive = is_alive;
  engines_.at(engine).quiet_since.reset();
}

bool node_drain::is_done(const entry& of, steady_time now) const {
  if (!of.alive) return true;
  return of.quiet_since && now - std::max(*of.quiet_since, *stop_since_) >= settle;
}

bool node_drain::done(steady_time now) const {
  if (!stop_since_) return false;
  if (now - *stop_since_ >= limit_) return true;
  return std::ranges::all_of(engines_, [&](const entry& each) { return is_done(each, now); });
}

}  // namespace coppice::worker
