#pragma once

#include "base/error.hpp"
#include "proto/messages/client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coppice::client {

/// A tensor to send or one that came: row-major, little-endian elements in `bytes`.
struct tensor {
  std::string name;
  /// OIP name, for example "FP32".
  std::string datatype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

struct infer_request {
  std::string model;
  /// 0: the newest that is ready.
  std::uint32_t version = 0;
  std::vector<tensor> inputs;
  /// Wanted outputs; none: all.
  std::vector<std::string> outputs;
  /// A msgpack map for the model, or empty.
  std::string parameters;
  std::chrono::milliseconds timeout{30'000};
  /// critical, normal or batch.
  std::string priority_class = "normal";
  bool at_most_once = false;
};

struct infer_result {
  std::vector<tensor> outputs;
  std::string model;
  std::uint32_t version = 0;
  proto::timing timing;
};

struct client_options {
  /// Gateways, "tcp://host:port". The first that answers is used; the others stand by.
  std::vector<std::string> endpoints;
  /// Retries what the cluster calls retryable, until the deadline.
  bool retry = true;
};

/// A client of a Coppice cluster. Thousands of requests may be in flight; one thread of its own
/// owns the socket. Keeps a session: it pings once a second while work is open, and when its
/// gateway is gone it sends what is open, with the same keys, to the next one. Every request ends
/// with exactly one result or error, at the latest 50 ms after its deadline. Thread-safe.
class client {
 public:
  using answer = expected<infer_result>;

  /// Throws std::exception if there is no endpoint, or one that ZeroMQ does not take.
  explicit client(client_options options);
  /// Open requests end with `cancelled`.
  ~client();

  /// Sends and waits. @error any code of docs/protocol.md; `deadline` also if nothing answered.
  answer infer(infer_request request);
  /// Sends; `done` is called once, on the client's thread, and must not block.
  void submit(infer_request request, std::function<void(answer)> done);
  /// Any other operation: `models`, `model`, `status`, `ping`.
  expected<proto::reply> call(proto::request header,
                              std::chrono::milliseconds timeout = std::chrono::seconds{5});

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace coppice::client
