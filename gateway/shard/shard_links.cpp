#include "gateway/shard/request_log.hpp"
#include "gateway/shard/shard.hpp"

namespace coppice::gateway {

void shard::ping_engines() {
  proto::link_request ping;
  ping.op = "ping";
  for (const auto* link : links_.due_for_ping()) {
    ping.incarnation = link->incarnation;
    effects_.send(link->incarnation, ping, {});
  }
}

void shard::mark_owing_links() {
  links_.update_owing([&](const auto& use) {
    for (const auto& [key, each] : routes_) each->credit.each_in_flight(use);
  });
}

void shard::link_fell_silent(const engine_link& link, steady_time now) {
  log_silent_link(link.engine);
  unreachable_.add(link, now);
  link_lost(link, {"was lost: its link fell silent", std::nullopt, {}}, now);
}

void shard::call_unreachable(steady_time now) {
  for (const auto& engine : unreachable_.due(now))
    if (links_.find(engine.incarnation) == nullptr) effects_.open_link(links_.reopen(engine));
}

void shard::watch_links(steady_time now) {
  links_.tick(now);
  mark_owing_links();
  for (const auto& gone : links_.dropped(now))
    link_lost(gone, {"was lost: its link dropped", std::nullopt, {}}, now);
  for (const auto& gone : links_.silent()) link_fell_silent(gone, now);
  call_unreachable(now);
  ping_engines();
}

}  // namespace coppice::gateway
