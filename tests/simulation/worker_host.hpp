#pragma once

#include "tests/simulation/scheduler_link.hpp"
#include "worker/node/progress_watch.hpp"
#include "worker/node/restart_policy.hpp"

#include <memory>
#include <optional>

namespace coppice::simulation {

/// A worker process: what worker/node's node_actor.cpp, worker_actor.cpp and engine_watch.cpp do
/// around the restart policy and the progress watch.
class worker_host : public host {
 public:
  worker_host(world& all, host_id self, std::uint32_t node);
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;

 private:
  /// A worker actor and its engine watch.
  struct worker_actor {
    explicit worker_actor(const worker::restart_options& options) : restarts{options} {}
    worker::restart_policy restarts;
    proto::engine_state engine;
    connection_id pipe = no_connection;
    std::shared_ptr<worker::progress_page> page;
    worker::progress_watch progress;
    bool hung = false;
    process_exit how;
    std::optional<steady_time> start_at;
  };

  void take(arrival& it, steady_time now);
  void take_report(std::uint32_t k, const proto::engine_report& report);
  void take_end(std::uint32_t k, steady_time now);
  void restart_or_give_up(std::uint32_t k, steady_time now);
  void start_engine(std::uint32_t k);
  void watch(std::uint32_t k, steady_time now);
  void send_snapshot();

  world& world_;
  host_id self_;
  std::uint32_t node_;
  std::vector<scheduler_link> schedulers_;
  std::vector<worker_actor> workers_;
  proto::node_snapshot snapshot_;
  steady_time next_snapshot_{};
  steady_time next_watch_{};
};

}  // namespace coppice::simulation
