#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"
#include "worker/engine/control_pipe.hpp"
#include "worker/engine/engine_desk.hpp"
#include "worker/engine/instance_thread.hpp"
#include "worker/engine/link_socket.hpp"
#include "worker/engine/step.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

struct engine_options {
  /// "<node>/engine-<k>".
  std::string name = "engine";
  /// Who it is: drawn anew for every process.
  incarnation_id incarnation;
  /// The link asks for keys and is encrypted.
  bool encrypt_link = false;
  std::string device = "cpu";
  /// Models to serve, checked.
  std::vector<model_spec> specs;
  /// Socket to the worker, -1: none.
  int control_fd = -1;
  /// The shared page; never null.
  progress_page* page = nullptr;
  /// What steps took on this node; never null.
  step_times* times = nullptr;
  /// Bytes of inputs of accepted attempts; beyond it attempts are refused.
  std::size_t max_bytes = std::size_t{1} << 30;
  /// How long running steps may go on after the request to stop.
  duration drain = 1s;
};

/// Carries for an `engine_desk`: its link's socket, its instances' threads, the reports to the
/// worker. Everything but the instances' steps happens on the thread that calls `run`.
class engine : private engine_effects {
 public:
  /// @param listener  of the link.
  engine(engine_options options, link_listener listener);
  ~engine() override;

  /// Loads and warms up every model. @error of the first that failed, naming it.
  expected<void> load();
  /// Serves until `stop_fd` becomes readable; then refuses what waits and lets what runs end.
  void run(int stop_fd);

 private:
  /// One of the three is set.
  struct instance {
    std::unique_ptr<model> in_line{};
    step_lane in_line_lane{};
    std::unique_ptr<batch_thread> batches{};
    std::unique_ptr<token_thread> tokens{};
    expected<void> wait_ready() { return batches ? batches->wait_ready() : tokens->wait_ready(); }
  };

  bool send(const std::string& gateway, const proto::link_reply& header,
            const item_outputs& outputs) override;
  std::optional<finished_batch> start(std::size_t instance, batch&& next) override;
  void start_step(std::size_t instance, token_step&& next) override;
  void ignored(const char* why) override;

  expected<void> load_all();
  expected<void> load_model(const model_spec& spec);
  expected<void> load_in_line(const model_spec& spec);
  expected<void> start_threads(const model_spec& spec);
  [[nodiscard]] instance start_thread(const model_spec& spec, std::size_t number);
  void turn(int stop_fd);
  /// @returns whether `stop_fd` is readable.
  [[nodiscard]] bool wait(int stop_fd);
  void drain();
  void receive_burst();
  void take_message(const link_message& message);
  void take_finished();
  void report_load(steady_time at);
  void publish_open_attempts();
  [[nodiscard]] step_limits limits_for(const model_spec& spec) const;

  engine_options options_;
  /// Of an encrypted link.
  std::optional<link_keys> keys_;
  std::string link_key_;
  link_listener listener_;
  std::string endpoint_;
  link_socket link_;
  finished_queue<finished_batch> finished_batches_;
  finished_queue<finished_step> finished_steps_;
  /// By number, which is also the lane of the page.
  std::vector<instance> instances_;
  control_pipe control_;
  engine_desk desk_;
  bool stopping_ = false;
  steady_time next_report_{};
  /// Messages without effect since the last log line about them.
  std::uint64_t ignored_ = 0;
  steady_time next_ignored_line_{};
  std::string header_;  // reused
};

}  // namespace coppice::worker
