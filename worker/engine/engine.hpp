#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <zmq.hpp>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/link.hpp"
#include "worker/engine/control_pipe.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/engine/served_model.hpp"

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
  /// Silence after which a gateway's waiting attempts are dropped; gateways ping once a second.
  duration gateway_silence = 3s;
};

/// The engine's link thread: takes attempts from gateways, queues, lets instances run them and
/// answers. Everything but the instances' steps happens on the thread that calls `run`.
class engine {
 public:
  explicit engine(engine_options options);
  ~engine();

  /// Loads and warms up every model. @error of the first that failed, naming it.
  expected<void> load();
  /// Serves until the control pipe closes or `stop_fd` becomes readable.
  void run(int stop_fd);

 private:
  struct gateway_link {
    steady_time heard;
  };

  void bind_link();
  expected<void> load_model(served_model& served, std::size_t& next_lane);
  void poll(int stop_fd, bool& stop);
  void receive_burst();
  [[nodiscard]] bool receive_one();
  void take_message(const std::string& gateway, const proto::link_request& request,
                    shared_frames frames);
  void welcome(const std::string& gateway, const proto::link_request& hello);
  void accept(const std::string& gateway, const proto::link_request& request,
              const shared_frames& frames);
  void cancel(const std::string& gateway, attempt_id id);
  void start_batches(served_model& served);
  void take_finished();
  void answer_batch(served_model& served, finished_batch&& done);
  void answer(served_model& served, attempt&& of, expected<item_outputs>&& result,
              duration waited, duration computed);
  void refuse(const std::string& gateway, attempt_id id, std::uint32_t rows, const error& why,
              const char* op);
  void send(const std::string& gateway, const proto::link_reply& reply, item_outputs outputs = {});
  void expire(steady_time at);
  void drop_silent_gateways(steady_time at);
  [[nodiscard]] long poll_limit_ms(steady_time at) const;
  void report_load(steady_time at);
  served_model* find(const std::string& model, std::uint32_t version);

  engine_options options_;
  incarnation_id incarnation_;
  std::string link_key_;
  std::string endpoint_;
  zmq::context_t context_{1};
  zmq::socket_t link_{context_, zmq::socket_type::router};
  finished_queue finished_;
  std::vector<std::unique_ptr<served_model>> models_;
  std::unordered_map<const instance_thread*, served_model*> served_by_;
  std::unordered_map<std::string, gateway_link> gateways_;
  control_pipe control_;
  steady_time next_report_{};
  std::string header_;  // reused
};

}  // namespace coppice::worker
