#pragma once

#include "base/error.hpp"
#include "proto/messages/client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
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
  /// Names the request: `coppice explain` finds it by that. Empty: the client makes one. At most
  /// 256 bytes, unique: of two open requests with one key the cluster answers the later.
  std::string key = {};
};

struct infer_result {
  std::vector<tensor> outputs;
  std::string model;
  std::uint32_t version = 0;
  proto::timing timing;
  /// The request's.
  std::string key;
};

/// A stream of tokens from a model.
struct generate_request {
  std::string model;
  /// 0: the newest that is ready.
  std::uint32_t version = 0;
  /// The prompt as tokens; or, if empty, as `text`.
  std::vector<std::int32_t> tokens = {};
  std::string text = {};
  /// A msgpack map for the model (`max_tokens`, `seed`, ...), or empty.
  std::string parameters = {};
  std::chrono::milliseconds timeout{30'000};
  /// critical, normal or batch.
  std::string priority_class = "normal";
  bool at_most_once = false;
  /// Tokens that may be under way to this client unacknowledged, at least 1.
  std::uint32_t window = 1024;
};

/// How a stream ended.
struct generate_result {
  /// All its tokens.
  std::uint64_t tokens = 0;
  std::string model;
  std::uint32_t version = 0;
  proto::timing timing;
};

struct client_options {
  /// Gateways, "tcp://host:port", or "tcp://host:port?key=..." with the gateway's public key if it
  /// asks for keys: nobody else can pretend to be it. Each client has a home among them, by chance;
  /// the others stand by.
  std::vector<std::string> endpoints;
  /// Retries what the cluster calls retryable, until the deadline.
  bool retry = true;
  /// Requests without an answer; `submit` of a further one ends with `overloaded` at once, so that
  /// it never blocks.
  std::size_t max_open = 10'000;
  /// For a gateway that asks for them (ZeroMQ's PLAIN); an empty user sends none.
  std::string user = {};
  std::string password = {};
  /// For a gateway that asks for keys: the file of this client's own key pair, as 'coppice keys
  /// new' makes it. Empty: a pair that nobody knows.
  std::string key_file = {};
};

/// A client of a Coppice cluster. Thousands of requests may be in flight; one thread of its own
/// owns the socket. Keeps a session: it pings a silent gateway while work is open, and when that
/// is gone or silent for 0.8 s it sends what is open, with the same keys, to the next one.
/// Every request ends with exactly one result or error, at the latest 50 ms after its deadline.
/// Thread-safe.
class client {
 public:
  using answer = expected<infer_result>;
  /// Names a request of this client, for `cancel`.
  using ticket = std::uint64_t;

  /// Throws std::exception if there is no endpoint, or one that ZeroMQ does not take, or if the key
  /// file cannot be used.
  explicit client(client_options options);
  /// Open requests end with `cancelled`.
  ~client();

  /// Sends and waits. @error any code of docs/protocol.md; `deadline` also if nothing answered.
  answer infer(infer_request request);
  /// Sends; `done` is called once, on the client's thread, and must not block. Beyond `max_open` it
  /// may be called before `submit` returns.
  ticket submit(infer_request request, std::function<void(answer)> done);
  /// Asks for a stream. `chunk` gets new tokens in order and each once, whatever dies between, with
  /// the place of the first of them in the stream; then `done` is called once. Both on the client's
  /// thread, and must not block. @error besides those of `infer`: `resume_expired`.
  ticket generate(generate_request request,
                  std::function<void(std::uint64_t seq, std::span<const std::int32_t>)> chunk,
                  std::function<void(expected<generate_result>)> done);
  /// Ends a request with `cancelled`; one that has ended is ignored.
  void cancel(ticket request);
  /// Any other operation: `models`, `model`, `status`, `ping`.
  expected<proto::reply> call(proto::request header,
                              std::chrono::milliseconds timeout = std::chrono::seconds{5});

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace coppice::client
