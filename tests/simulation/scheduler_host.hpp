#pragma once

#include "scheduler/cluster_view.hpp"
#include "tests/simulation/world.hpp"

#include <map>

namespace coppice::simulation {

/// A scheduler: a real cluster view, and what scheduler/scheduler_actor.cpp does around it. An
/// actor's address is its connection here.
class scheduler_host : public host {
 public:
  scheduler_host(world& all, host_id self);
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;
  void thawed(duration lasted) override;

 private:
  void take(arrival& it, steady_time now);
  void add_gateway(const proto::gateway_state& gateway, connection_id actor, steady_time now);
  void drop_gateway(const std::string& name, steady_time now);
  void take_snapshot(const proto::node_snapshot& snapshot, connection_id actor, steady_time now);
  void place(const place_ask& ask, connection_id from, steady_time now);
  void drain(const proto::drain_order& order);
  void lost(connection_id source, steady_time now);
  void health_turn(steady_time now);
  void publish(const scheduler::cluster_view::news& news);
  void audit_silence(steady_time now);
  template <class Message>
  void tell_all(const Message& message);

  world& world_;
  host_id self_;
  scheduler::cluster_view view_;
  std::map<std::string, connection_id> gateways_;
  std::map<std::string, connection_id> nodes_;
  /// The auditor's own: when each node was heard last.
  std::map<std::string, steady_time> heard_;
  steady_time next_health_{};
};

}  // namespace coppice::simulation
