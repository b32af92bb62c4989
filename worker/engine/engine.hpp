#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/link.hpp"
#include "worker/engine/control_pipe.hpp"
#include "worker/engine/link_socket.hpp"
#include "worker/engine/served_model.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::worker {

struct engine_options {
  /// "<node>/engine-<k>".
  std::string name = "engine";
  /// Address of the link, numeric, without port.
  std::string bind = "127.0.0.1";
  std::string device = "cpu";
  /// Models to serve, checked.
  std::vector<model_spec> specs;
  /// Socket to the worker, -1: none.
  int control_fd = -1;
  /// The shared page; never null.
  progress_page* page = nullptr;
  /// Bytes of inputs of accepted attempts; beyond it attempts are refused.
  std::size_t max_bytes = std::size_t{1} << 30;
  /// Silence after which a gateway's waiting attempts are dropped; gateways ping once a second.
  duration gateway_silence = 3s;
  /// How long running steps may go on after the request to stop.
  duration drain = 1s;
};

/// The engine's link thread: takes attempts from gateways, queues, lets instances run them and
/// answers. Everything but the instances' steps happens on the thread that calls `run`.
class engine {
 public:
  explicit engine(engine_options options);
  ~engine();

  /// Loads and warms up every model. @error of the first that failed, naming it.
  expected<void> load();
  /// Serves until `stop_fd` becomes readable; then refuses what waits and lets what runs end.
  void run(int stop_fd);

 private:
  struct gateway_link {
    steady_time heard;
  };

  expected<void> load_all();
  expected<void> load_model(served_model& served, std::size_t& next_lane);
  void turn(int stop_fd);
  void wait(int stop_fd);
  [[nodiscard]] duration wait_limit(steady_time at) const;
  void drain();
  void receive_burst();
  void take_message(link_message& message);
  void take_request(const std::string& gateway, const proto::link_request& request,
                    const shared_frames& frames);
  void welcome(const std::string& gateway, const proto::link_request& hello);
  void ignore(const char* why);
  void accept(const std::string& gateway, const proto::link_request& request,
              const shared_frames& frames);
  [[nodiscard]] bool enqueue(served_model& served, attempt&& taken, steady_time at);
  void cancel(const std::string& gateway, attempt_id id);
  void start_batches(served_model& served);
  void take_finished();
  void account(served_model& served, const finished_batch& done);
  void answer_batch(served_model& served, finished_batch&& done);
  void answer(served_model& served, attempt&& of, expected<item_outputs>&& result, duration waited,
              duration computed, std::uint32_t batch_rows = 0);
  void refuse(const std::string& gateway, attempt_id id, std::uint32_t rows, const error& why,
              const char* op);
  void send(const std::string& gateway, const proto::link_reply& reply,
            const item_outputs& outputs = {});
  /// The attempt is accepted no longer.
  void close(const attempt& ended);
  void drop_attempts_of(const std::string& gateway);
  void expire(steady_time at);
  void drop_silent_gateways(steady_time at);
  void report_load(steady_time at);
  served_model* find(const std::string& model, std::uint32_t version);
  [[nodiscard]] bool running() const;

  engine_options options_;
  incarnation_id incarnation_;
  std::string link_key_;
  std::string endpoint_;
  link_socket link_;
  finished_queue finished_;
  std::vector<std::unique_ptr<served_model>> models_;
  std::unordered_map<const instance_thread*, served_model*> served_by_;
  std::unordered_map<std::string, gateway_link> gateways_;
  control_pipe control_;
  std::size_t open_bytes_ = 0;
  bool stopping_ = false;
  steady_time last_turn_{};
  steady_time next_report_{};
  /// Messages of strangers and of other incarnations since the last log line about them.
  std::uint64_t ignored_ = 0;
  steady_time next_ignored_line_{};
  std::string header_;  // reused
};

}  // namespace coppice::worker
