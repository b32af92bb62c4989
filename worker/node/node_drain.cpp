#include "worker/node/node_drain.hpp"

#include <algorithm>

namespace coppice::worker {

void node_drain::begin_stop(steady_time now) {
  if (!stop_since_) stop_since_ = now;
}

void node_drain::begin_leave(std::size_t engine, steady_time now) {
  engines_.at(engine).leave_since = now;
}

void node_drain::quiet(std::size_t engine, bool is_quiet, steady_time now) {
  auto& since = engines_.at(engine).quiet_since;
  if (!is_quiet)
    since.reset();
  else if (!since)
    since = now;
}

void node_drain::alive(std::size_t engine, bool is_alive) {
  auto& it = engines_.at(engine);
  it.alive = is_alive;
  it.quiet_since.reset();
  it.leave_since.reset();
}

bool node_drain::is_done(const entry& of, steady_time since, steady_time now) const {
  if (!of.alive || now - since >= limit_) return true;
  return of.quiet_since && now - std::max(*of.quiet_since, since) >= settle;
}

bool node_drain::done(steady_time now) const {
  return stop_since_ && std::ranges::all_of(engines_, [&](const entry& each) {
           return is_done(each, *stop_since_, now);
         });
}

bool node_drain::may_leave(std::size_t engine, steady_time now) const {
  const auto& it = engines_.at(engine);
  return it.leave_since && is_done(it, *it.leave_since, now);
}

}  // namespace coppice::worker
