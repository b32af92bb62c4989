#pragma once

#include "base/ids.hpp"
#include "proto/limits.hpp"
#include "proto/messages/tensor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The public protocol between clients and the gateway's door.
namespace coppice::proto {

/// Header of a client's request.
struct request {
  std::uint32_t v = 0;
  /// infer, generate, cancel, ack, resume, ping, models, model, status.
  std::string op;
  /// Any string, bin or integer; echoed, and the target of `cancel`.
  raw_value id;
  std::string session;
  std::string key;
  std::string model;
  /// 0: the highest version that is ready.
  std::uint32_t version = 0;
  std::vector<tensor> inputs;
  /// Names of the wanted outputs; none: all.
  std::vector<std::string> outputs;
  /// A map for the model; passed on as it is.
  raw_value parameters;
  /// Remaining time, milliseconds, 1 to `max_timeout_ms`.
  std::uint32_t timeout_ms = default_timeout_ms;
  bool at_most_once = false;
  /// critical, normal or batch.
  std::string priority_class = "normal";
  /// W3C trace context.
  std::string traceparent;
  /// generate: answer in chunks of tokens. Without it, one reply at the end.
  bool stream = false;
  /// The highest integer id up to which this session has every outcome: they need not be kept.
  std::uint64_t acked = 0;
  /// The same request was sent before, perhaps to another gateway.
  bool again = false;
  /// ack: every token before it has arrived. resume: the first token wanted.
  std::uint64_t seq = 0;
  /// generate: tokens that may be under way unacknowledged; 0: nothing is acknowledged.
  std::uint32_t window = 0;
  /// generate, resume: of the tokens before `seq`, those that the client's reader has not taken.
  /// They count in the window.
  std::uint32_t unread = 0;
  /// generate: tokens that the client already has, a bin of little-endian INT32; the stream goes on
  /// behind them.
  raw_value emitted;

  static constexpr auto fields() {
    return std::tuple{field{"v", &request::v},
                      field{"op", &request::op},
                      field{"id", &request::id},
                      field{"session", &request::session},
                      field{"key", &request::key},
                      field{"model", &request::model},
                      field{"version", &request::version},
                      field{"inputs", &request::inputs},
                      field{"outputs", &request::outputs},
                      field{"parameters", &request::parameters},
                      field{"timeout_ms", &request::timeout_ms},
                      field{"at_most_once", &request::at_most_once},
                      field{"class", &request::priority_class},
                      field{"traceparent", &request::traceparent},
                      field{"stream", &request::stream},
                      field{"acked", &request::acked},
                      field{"again", &request::again},
                      field{"seq", &request::seq},
                      field{"window", &request::window},
                      field{"unread", &request::unread},
                      field{"emitted", &request::emitted}};
  }
};

/// The failure part of a reply.
struct error_body {
  std::string code;
  std::string message;
  bool retryable = false;
  std::uint32_t retry_after_ms = 0;

  static constexpr auto fields() {
    return std::tuple{field{"code", &error_body::code}, field{"message", &error_body::message},
                      field{"retryable", &error_body::retryable},
                      field{"retry_after_ms", &error_body::retry_after_ms}};
  }
};

/// Where the time of a request went, microseconds. total = queue + batch + compute + links.
struct timing {
  std::uint64_t queue_us = 0;
  std::uint64_t batch_us = 0;
  std::uint64_t compute_us = 0;
  std::uint64_t total_us = 0;
  std::uint32_t attempts = 0;

  static constexpr auto fields() {
    return std::tuple{field{"queue_us", &timing::queue_us}, field{"batch_us", &timing::batch_us},
                      field{"compute_us", &timing::compute_us},
                      field{"total_us", &timing::total_us}, field{"attempts", &timing::attempts}};
  }
};

/// Readiness of one model, as `status` of the client door tells it.
struct model_readiness {
  std::string name;
  std::vector<std::uint32_t> versions;
  bool ready = false;

  static constexpr auto fields() {
    return std::tuple{field{"name", &model_readiness::name},
                      field{"versions", &model_readiness::versions},
                      field{"ready", &model_readiness::ready}};
  }
};

/// Header of a reply to a client.
struct reply {
  std::uint32_t v = protocol_version;
  raw_value id;
  std::vector<tensor> outputs;
  std::optional<error_body> error;
  std::string model;
  std::uint32_t version = 0;
  /// Of a stream: index of the first token of this chunk in the whole stream, from 0.
  std::uint64_t seq = 0;
  bool final = false;
  std::optional<timing> times;
  /// Answer of `models` and `model`.
  std::vector<model_card> models;
  /// Answer of `status`.
  std::vector<model_readiness> status;
  /// Answer of `ping`: name and incarnation of the gateway's process.
  std::string gateway;
  incarnation_id incarnation;

  static constexpr auto fields() {
    return std::tuple{field{"v", &reply::v},
                      field{"id", &reply::id},
                      field{"outputs", &reply::outputs},
                      field{"error", &reply::error},
                      field{"model", &reply::model},
                      field{"version", &reply::version},
                      field{"seq", &reply::seq},
                      field{"final", &reply::final},
                      field{"timing", &reply::times},
                      field{"models", &reply::models},
                      field{"status", &reply::status},
                      field{"gateway", &reply::gateway},
                      field{"incarnation", &reply::incarnation}};
  }
};

}  // namespace coppice::proto
