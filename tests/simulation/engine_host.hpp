#pragma once

#include "tests/simulation/engine_books.hpp"
#include "tests/simulation/engine_instance.hpp"
#include "tests/simulation/world.hpp"
#include "worker/engine/engine_desk.hpp"

#include <deque>
#include <map>

namespace coppice::simulation {

/// An engine process: a real desk, and what worker/engine/engine.cpp does around it.
class engine_host : public host, private worker::engine_effects {
 public:
  engine_host(world& all, host_id self, std::uint32_t node);
  ~engine_host() override;
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;
  void thawed(duration lasted) override;

 private:
  struct link_message {
    std::string gateway;
    gateway::frame_list frames;
  };

  // engine_effects
  bool send(const std::string& gateway, const proto::link_reply& header,
            const worker::item_outputs& outputs) override;
  std::optional<worker::finished_batch> start(std::size_t instance, worker::batch&& next) override;
  void start_step(std::size_t instance, worker::token_step&& next) override;
  void ignored(const char*) override {}

  [[nodiscard]] std::vector<worker::model_spec> specs() const;
  void load(steady_time now);
  void sort(arrival& it);
  void receive_burst(steady_time now);
  void take_message(const std::string& gateway, const proto::link_request& request,
                    const worker::shared_frames& frames, steady_time now);
  void note_message(const std::string& gateway, const proto::link_request& request,
                    steady_time now);
  void note_offer(const std::string& gateway, const proto::link_request& request, steady_time now);
  /// A call of the desk has returned.
  void handled();
  void take_finished(steady_time now);
  void take_end(std::size_t instance, steady_time now);
  void stop_if_done(steady_time now);
  void report_load(steady_time now);
  void end(process_exit how);
  void audit_queues(const std::vector<proto::model_load>& loads);
  [[nodiscard]] steady_time next_turn(steady_time now) const;

  world& world_;
  host_id self_;
  std::uint32_t node_;
  const engine_plan& plan_;
  engine_books books_;
  incarnation_id incarnation_;
  std::string link_key_;
  std::string endpoint_;
  connection_id pipe_;
  std::shared_ptr<worker::progress_page> page_;
  std::optional<steady_time> loaded_at_;
  bool ready_ = false;
  worker::engine_desk desk_;
  std::deque<engine_instance> instances_;
  bool streams_ = false;
  /// By routing id: the connection that stands.
  std::map<std::string, connection_id> connection_of_;
  std::map<connection_id, std::string> gateway_of_;
  std::deque<link_message> messages_;
  /// Gateways that were gone when something was sent to them, in this call of the desk.
  std::vector<std::string> gone_;
  std::optional<steady_time> stop_by_;
  /// The process has come to its end.
  bool ended_ = false;
  steady_time now_{};
  steady_time next_report_{};
  std::string header_;  // reused
};

}  // namespace coppice::simulation
