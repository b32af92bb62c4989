#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/engine_effects.hpp"
#include "worker/engine/token_stream.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace coppice::worker {

/// How an attempt came to its outcome.
struct attempt_run {
  /// From its arrival to its step, and the step.
  duration waited{0}, computed{0};
  /// Rows of the batch it ran in; 0: it did not run.
  std::uint32_t batch_rows = 0;
  /// Why that batch left the queue.
  release_reason reason = release_reason::idle;
};

/// Makes an engine's messages to gateways, and remembers the gateways that were gone.
class outbox {
 public:
  outbox(incarnation_id incarnation, engine_effects& effects)
      : incarnation_{incarnation}, effects_{effects} {}

  void welcome(const std::string& gateway, std::vector<proto::model_card> models);
  void pong(const std::string& gateway);
  /// A free retry: the attempt was not accepted, or is handed back before it ran.
  void refuse(const std::string& gateway, attempt_id id, std::uint32_t rows, const error& why);
  /// The outcome of an attempt of `rows` rows, whose credit goes back with it.
  void answer(const std::string& gateway, attempt_id id, std::uint32_t rows,
              const expected<item_outputs>& outcome, const attempt_run& run = {});
  /// A part of a stream's output.
  void chunk(const std::string& gateway, attempt_id id, token_chunk&& tokens);
  /// The outcome of a stream: its last tokens, perhaps none, and its row of credit.
  void end_stream(const std::string& gateway, attempt_id id, token_chunk&& rest, duration waited,
                  duration computed);

  /// Gateways that were gone when something was sent to them, since the last call.
  [[nodiscard]] std::vector<std::string> take_gone() { return std::exchange(gone_, {}); }
  [[nodiscard]] bool any_gone() const noexcept { return !gone_.empty(); }

 private:
  [[nodiscard]] proto::link_reply header(const char* op, attempt_id id, std::uint32_t rows) const;
  void announce(const std::string& gateway, const item_outputs& outputs);
  void send(const std::string& gateway, const proto::link_reply& reply,
            const item_outputs& outputs = {});

  incarnation_id incarnation_;
  engine_effects& effects_;
  /// At most one entry for each message of one call of the desk.
  std::vector<std::string> gone_;
};

}  // namespace coppice::worker
