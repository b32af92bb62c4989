#pragma once

#include "base/ids.hpp"
#include "proto/messages/client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The link protocol between a gateway shard and one incarnation of an engine (ROUTER-ROUTER).
/// On the wire: [peer routing id] [header] [frame]*. The gateway gives the engine a routing id for
/// each link (ZMQ_CONNECT_ROUTING_ID); the engine's own is `engine_routing_id(incarnation)`, and
/// the gateway's is random per shard start. Order: gateway sends `hello`, engine answers `welcome`;
/// attempts may follow `hello` at once.
namespace coppice::proto {

/// Gateway to engine.
struct link_request {
  std::uint32_t v = protocol_version;
  /// hello, infer, generate, window, cancel, ping, bye.
  std::string op;
  attempt_id attempt;
  /// Of the engine that is meant; another incarnation ignores the frame.
  incarnation_id incarnation;
  /// Proof that a scheduler granted this engine (from the grant); in `hello` only.
  std::string link_key;
  /// Name of the gateway shard; in `hello` only.
  std::string gateway;
  std::string model;
  std::uint32_t version = 0;
  std::vector<tensor> inputs;
  std::vector<std::string> outputs;
  raw_value parameters;
  /// Time left when the gateway sent this, microseconds.
  std::uint64_t timeout_us = 0;
  std::string priority_class;
  std::string tenant;
  std::string traceparent;
  /// The client's request id, for logs.
  raw_value id;
  /// The attempt is a suspect: nothing else may run on the engine while it runs.
  bool alone = false;
  /// generate: answer in chunks. Without it, one reply at the end.
  bool stream = false;
  /// generate: chunks that may be sent unasked; op window: that many more.
  std::uint32_t window = 0;
  /// generate: tokens that an earlier attempt has already sent, a bin of little-endian INT32. The
  /// engine goes on behind them.
  raw_value emitted;

  static constexpr auto fields() {
    return std::tuple{field{"v", &link_request::v},
                      field{"op", &link_request::op},
                      field{"attempt", &link_request::attempt},
                      field{"incarnation", &link_request::incarnation},
                      field{"link_key", &link_request::link_key},
                      field{"gateway", &link_request::gateway},
                      field{"model", &link_request::model},
                      field{"version", &link_request::version},
                      field{"inputs", &link_request::inputs},
                      field{"outputs", &link_request::outputs},
                      field{"parameters", &link_request::parameters},
                      field{"timeout_us", &link_request::timeout_us},
                      field{"class", &link_request::priority_class},
                      field{"tenant", &link_request::tenant},
                      field{"traceparent", &link_request::traceparent},
                      field{"id", &link_request::id},
                      field{"alone", &link_request::alone},
                      field{"stream", &link_request::stream},
                      field{"window", &link_request::window},
                      field{"emitted", &link_request::emitted}};
  }
};

/// Engine to gateway.
struct link_reply {
  std::uint32_t v = protocol_version;
  /// welcome, reply (the attempt's outcome: outputs or error), chunk (a part of a stream's output,
  /// not final), refused (beyond capacity: a free retry), pong.
  /// One of `large_message_bytes` or more follows a pong that says its size.
  std::string op;
  attempt_id attempt;
  incarnation_id incarnation;
  std::vector<tensor> outputs;
  std::optional<error_body> error;
  /// Only batch_us and compute_us are set.
  timing times;
  /// Rows of the batch that it ran in; 0: not known. They share its compute time.
  std::uint32_t batch_rows = 0;
  /// Why that batch left the queue: idle, size, window, deadline or alone; empty: not known.
  std::string release;
  /// Rows of credit that come back with this reply.
  std::uint32_t credit = 0;
  /// chunk: index of its first token in the whole stream, from 0.
  std::uint64_t seq = 0;
  bool final = true;
  /// pong: size of the reply that follows; 0: none does.
  std::uint64_t bytes = 0;
  /// welcome only.
  std::vector<model_card> models;

  static constexpr auto fields() {
    return std::tuple{field{"v", &link_reply::v},
                      field{"op", &link_reply::op},
                      field{"attempt", &link_reply::attempt},
                      field{"incarnation", &link_reply::incarnation},
                      field{"outputs", &link_reply::outputs},
                      field{"error", &link_reply::error},
                      field{"timing", &link_reply::times},
                      field{"batch_rows", &link_reply::batch_rows},
                      field{"release", &link_reply::release},
                      field{"credit", &link_reply::credit},
                      field{"seq", &link_reply::seq},
                      field{"final", &link_reply::final},
                      field{"bytes", &link_reply::bytes},
                      field{"models", &link_reply::models}};
  }
};

/// 9 bytes: 'E' and the incarnation, big-endian (a routing id must not start with a zero byte).
[[nodiscard]] std::string engine_routing_id(incarnation_id incarnation);

}  // namespace coppice::proto
