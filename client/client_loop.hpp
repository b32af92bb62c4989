#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "client/client.hpp"
#include "client/connection.hpp"
#include "client/session.hpp"

#include <zmq.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

namespace coppice::client {

/// The thread that owns the connection. It carries for a `session` and decides nothing.
class client::loop : private session_effects {
 public:
  loop(client_options options, std::vector<named_endpoint> gateways, login as);
  ~loop() override;

  /// Any thread. The request's `done` may be called at once if there are too many.
  ticket add(open_request&& request);
  void cancel(ticket request);

 private:
  void send(const proto::request& header, const frame_list& frames) override;
  void dial(std::size_t gateway) override;

  void start(open_request&& request);
  void post(std::function<void()> job);
  void run();
  bool turn();
  void poll();
  bool take_jobs();
  bool receive();
  void take_events();

  client_options options_;
  /// By number, as `options_.endpoints`.
  std::vector<named_endpoint> gateways_;
  login login_;
  zmq::context_t context_{1};
  std::mt19937_64 random_{random_id()};
  session session_;
  std::optional<connection> connection_;
  steady_time next_tick_{};

  std::atomic<ticket> last_ticket_{0};
  /// Requests without an outcome, those that did not reach the session yet too.
  std::atomic<std::size_t> open_{0};
  int wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace coppice::client
