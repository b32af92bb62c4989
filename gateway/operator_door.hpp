#pragma once

#include "base/error.hpp"
#include "proto/messages/control.hpp"

#include <zmq.hpp>

#include <functional>
#include <string>
#include <thread>

namespace coppice::gateway {

/// The operators' door: a ROUTER on `ipc://` that only its owner may open (mode 0600), on a thread
/// of its own. Answers `status` with the `cluster_status` map, `drain` and `undrain` with the
/// `drain_status` map, anything else with an error map.
class operator_door {
 public:
  using status_source = std::function<expected<proto::cluster_status>()>;

  using drain_order = std::function<expected<proto::drain_status>(const proto::drain_order&)>;

  operator_door(status_source status, drain_order drain);
  ~operator_door();

  /// Binds and starts. @error `unavailable` with the reason.
  expected<void> open(const std::string& endpoint);

 private:
  void run();
  std::string answer(const zmq::message_t& header);

  std::string drain(const proto::operator_request& request);

  status_source status_;
  drain_order drain_;
  zmq::context_t context_{1};
  zmq::socket_t door_{context_, zmq::socket_type::router};
  std::thread thread_;
};

}  // namespace coppice::gateway
