#pragma once

#include "gateway/shard/door.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace coppice::simulation {

/// Index of a host of the run; a host that is started again keeps its index and has a new life.
using host_id = std::uint32_t;
using connection_id = std::uint32_t;
constexpr connection_id no_connection = ~connection_id{0};

/// What a connection is: it decides which silence its ends notice.
enum class link_kind : std::uint8_t {
  client,  ///< client to gateway: ZeroMQ, dialled again by the client
  engine,  ///< gateway to engine: ZeroMQ, never dialled again
  mesh,    ///< CAF
  pipe,    ///< between a worker process and its engine process
};

/// A place that is asked for and answered over CAF; `token` pairs the two.
struct place_ask {
  std::uint64_t token = 0;
  proto::place_request demand;
};
struct place_answer {
  std::uint64_t token = 0;
  proto::place_reply reply;
};
/// How a process ended: what its parent learns by pidfd and waitpid, and finds on the shared page.
struct process_exit {
  /// As waitpid gives it: a signal's number, or an exit status times 256.
  int wait_status = 0;
  /// What the parent did not do and learns nothing of, for the story.
  const char* why = nullptr;
  std::vector<attempt_id> suspects;
};
constexpr int exited(int status) { return status << 8; }
inline const process_exit killed{9, nullptr, {}};

/// What CAF connections and pipes carry.
using control_message =
    std::variant<std::monostate, place_ask, place_answer, proto::catalogue, proto::engine_down,
                 proto::node_snapshot, proto::gateway_state, proto::engine_report, proto::judgement,
                 proto::suspicion, proto::trial_result, proto::drain_notice, proto::drain_ack,
                 proto::drain_order, process_exit>;

/// One message on a connection: frames on ZeroMQ links, a control message on the others.
struct packet {
  gateway::frame_list frames;
  control_message control;
};

enum class arrival_kind : std::uint8_t {
  message,
  accepted,  ///< somebody has dialled this host
  opened,    ///< a dialled connection stands
  closed,    ///< reset, refused or given up
  submit,    ///< a client is asked to send request `number`
  cancel,    ///< a client is asked to cancel request `number`
  order,     ///< an operator's order comes to a gateway
};

/// What reaches a host.
struct arrival {
  arrival_kind kind = arrival_kind::message;
  connection_id on = no_connection;
  packet what;
  std::uint64_t number = 0;
};

}  // namespace coppice::simulation
