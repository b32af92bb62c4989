#pragma once

#include "scheduler/health/loop_lag.hpp"
#include "scheduler/placement/engine_table.hpp"
#include "scheduler/placement/placement.hpp"
#include "tests/simulation/world.hpp"

#include <map>

namespace coppice::simulation {

/// A scheduler: what scheduler/scheduler_actor.cpp does around the engine table, placement and
/// health. An actor's address is its connection here.
class scheduler_host : public host {
 public:
  scheduler_host(world& all, host_id self);
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;

 private:
  struct gateway_entry {
    std::string name;
    connection_id actor = no_connection;
  };
  void take(arrival& it, steady_time now);
  void add_gateway(const proto::gateway_state& gateway, connection_id actor);
  void take_snapshot(const proto::node_snapshot& snapshot, connection_id actor, steady_time now);
  void place(const place_ask& ask, connection_id from, steady_time now);
  void lost(connection_id source);
  void health_turn(steady_time now);
  void audit_silence(steady_time now);
  void publish(const scheduler::engine_table::change& change);

  world& world_;
  host_id self_;
  scheduler::engine_table engines_;
  scheduler::placement placing_;
  scheduler::loop_lag lag_;
  std::vector<gateway_entry> gateways_;
  std::map<std::string, connection_id> nodes_;
  /// The auditor's own: when each node was heard last.
  std::map<std::string, steady_time> heard_;
  steady_time next_health_{};
};

}  // namespace coppice::simulation
