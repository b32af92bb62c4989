#include "tests/simulation/scheduler_link.hpp"

namespace coppice::simulation {

namespace {

/// The TCP probe's limit.
constexpr duration probe_limit = 1s;

}  // namespace

std::string scheduler_endpoint(std::uint32_t index) {
  return "scheduler-" + std::to_string(index + 1);
}

void scheduler_link::dial_later(steady_time now) {
  connection_ = no_connection;
  up_ = false;
  next_ = now + pause_.delay(++streak_, world_.random().unit());
}

scheduler_link::change scheduler_link::take(const arrival& it, steady_time now) {
  if (it.kind == arrival_kind::opened) {
    up_ = true;
    streak_ = 0;
    next_ = steady_time::max();
    return change::up;
  }
  if (it.kind != arrival_kind::closed) return change::none;
  const bool was_up = up_;
  dial_later(now);
  return was_up ? change::down : change::none;
}

steady_time scheduler_link::turn(steady_time now) {
  if (now < next_) return next_;
  if (connection_ != no_connection) {
    world_.net().close(connection_, owner_);
    dial_later(now);
    return next_;
  }
  connection_ = world_.net().dial(owner_, endpoint_, link_kind::mesh);
  return next_ = now + probe_limit;
}

}  // namespace coppice::simulation
