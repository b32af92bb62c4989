#pragma once

#include "base/error.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/explanation.hpp"

#include <zmq.hpp>

#include <functional>
#include <string>
#include <thread>

namespace coppice::gateway {

/// The operators' door: a ROUTER on `ipc://` that only its owner may open (mode 0600), on a thread
/// of its own. Answers `status` with the `cluster_status` map, `drain` and `undrain` with the
/// `drain_status` map, `explain` with the `explanation` map, `apply` and `diff` with the
/// `apply_status` map, anything else with an error map.
class operator_door {
 public:
  /// Who answers each operation, called on the door's thread.
  struct sources {
    std::function<expected<proto::cluster_status>()> status;
    std::function<expected<proto::drain_status>(const proto::drain_order&)> drain;
    /// By the id or key of a request.
    std::function<expected<proto::explanation>(const std::string&)> explain;
    std::function<expected<proto::apply_status>(const proto::apply_order&)> apply;
  };

  explicit operator_door(sources answers);
  ~operator_door();

  /// Binds and starts. @error `unavailable` with the reason.
  expected<void> open(const std::string& endpoint);

 private:
  void run();
  std::string answer(const zmq::message_t& header);
  std::string drain(const proto::operator_request& request);
  std::string explain(const proto::operator_request& request);
  std::string apply(const proto::operator_request& request);

  sources sources_;
  zmq::context_t context_{1};
  zmq::socket_t door_{context_, zmq::socket_type::router};
  std::thread thread_;
};

}  // namespace coppice::gateway
