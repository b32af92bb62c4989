#pragma once

#include "tests/simulation/scheduler_link.hpp"
#include "worker/node/engine_roster.hpp"
#include "worker/node/progress_watch.hpp"

#include <memory>
#include <optional>

namespace coppice::simulation {

/// A worker process: a real roster, and what worker/node's node_actor.cpp, worker_actor.cpp and
/// engine_watch.cpp do around it and the progress watch.
class worker_host : public host {
 public:
  worker_host(world& all, host_id self, std::uint32_t node);
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;

 private:
  /// An engine process from start to end, as its watch sees it.
  struct watched_engine {
    connection_id pipe = no_connection;
    std::shared_ptr<worker::progress_page> page;
    worker::progress_watch progress;
    std::optional<worker::standstill> hang;
    bool frozen = false, asked = false, serving = false, quiet = false;
    steady_time kill_at = steady_time::max();
    process_exit how;
  };

  void take(arrival& it, steady_time now);
  void take_mesh(const arrival& it);
  void take_pipe(std::uint32_t k, arrival& it, steady_time now);
  void take_report(std::uint32_t k, const proto::engine_report& report, steady_time now);
  void take_end(std::uint32_t k, steady_time now);
  [[nodiscard]] static worker::engine_exit describe_end(const watched_engine& it);
  void start_engine(std::uint32_t k);
  void stop_engine(std::uint32_t k, steady_time now);
  void look_at_all(steady_time now);
  void look(std::uint32_t k, steady_time now);
  void supervise(steady_time now);
  void tick(steady_time now);
  void send_snapshot(steady_time now);
  [[nodiscard]] process_id process_of(std::uint32_t k) const;

  world& world_;
  host_id self_;
  std::uint32_t node_;
  worker::hang_limits limits_;
  std::vector<scheduler_link> schedulers_;
  worker::engine_roster roster_;
  std::vector<watched_engine> engines_;
  proto::node_snapshot snapshot_;
  steady_time next_tick_{};
  steady_time next_look_{};
};

}  // namespace coppice::simulation
