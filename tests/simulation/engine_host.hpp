#pragma once

#include "tests/simulation/engine_books.hpp"
#include "tests/simulation/world.hpp"
#include "worker/engine/attempt_queue.hpp"
#include "worker/engine/input_check.hpp"

#include <deque>
#include <map>

namespace coppice::simulation {

/// An engine process: what worker/engine/engine.cpp does around its queues, and model instances
/// that take their time and then echo, fail, crash or hang as the content says.
class engine_host : public host {
 public:
  engine_host(world& all, host_id self, std::uint32_t node);
  steady_time turn(std::vector<arrival>& arrived, steady_time now) override;
  void thawed(duration lasted) override;

 private:
  struct instance {
    worker::progress_page::lane* page = nullptr;
    std::optional<worker::batch> runs;
    steady_time began, ends;
    /// It does not return, but ends the process.
    bool crashes = false;
  };
  struct served_model {
    explicit served_model(const model_plan& of) : plan{of}, queue{of.spec} {}
    const model_plan& plan;
    std::uint32_t index = 0;
    worker::attempt_queue queue;
    std::vector<instance> instances;
  };
  struct gateway_link {
    steady_time heard;
  };

  void load(steady_time now);
  void sort(arrival& it);
  void receive_burst(steady_time now);
  void take_request(const std::string& gateway, const proto::link_request& request,
                    const worker::shared_frames& frames, steady_time now);
  void welcome(const std::string& gateway, const proto::link_request& hello, steady_time now);
  void accept(const std::string& gateway, const proto::link_request& request,
              const worker::shared_frames& frames, steady_time now);
  void cancel(const std::string& gateway, attempt_id id);
  void start_batches(served_model& served, steady_time now);
  void begin_step(instance& on, const served_model& of, worker::batch&& runs, steady_time now);
  void take_finished(served_model& served, steady_time now);
  void answer_batch(worker::batch&& ran, steady_time began, duration took);
  void answer(worker::attempt&& of, const error* why, duration waited, duration computed);
  void refuse(const std::string& gateway, attempt_id id, std::uint32_t rows, const error& why,
              const char* op);
  void send(const std::string& gateway, const proto::link_reply& reply,
            const worker::item_outputs& outputs = {});
  void close(const worker::attempt& ended);
  void drop_attempts_of(const std::string& gateway);
  void expire(steady_time now);
  void drop_silent_gateways(steady_time now);
  void report_load(steady_time now);
  void audit_queues();
  served_model* find(const std::string& model, std::uint32_t version);
  [[nodiscard]] steady_time next_turn(steady_time now) const;

  world& world_;
  host_id self_;
  const engine_plan& plan_;
  engine_books books_;
  incarnation_id incarnation_;
  std::string link_key_;
  std::string endpoint_;
  connection_id pipe_;
  std::shared_ptr<worker::progress_page> page_;
  std::optional<steady_time> loaded_at_;
  bool ready_ = false;
  std::vector<std::unique_ptr<served_model>> models_;
  std::map<std::string, gateway_link> gateways_;
  /// By routing id: the connection that stands.
  std::map<std::string, connection_id> connection_of_;
  std::map<connection_id, std::string> gateway_of_;
  struct link_message {
    std::string gateway;
    gateway::frame_list frames;
  };
  std::deque<link_message> messages_;
  std::size_t open_bytes_ = 0;
  steady_time last_turn_{};
  steady_time next_report_{};
  std::string header_;  // reused
};

}  // namespace coppice::simulation
