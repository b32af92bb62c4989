#pragma once

#include "proto/messages/link.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/token_step.hpp"
#include "worker/model/model.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace coppice::worker {

/// What an engine's decisions do to the world. The engine does it with a socket and threads; tests
/// and the simulator record it. Called on the desk's thread, inside its handlers.
class engine_effects {
 public:
  virtual ~engine_effects() = default;
  /// Sends on the link of a gateway; the outputs are the frames behind the header. A gateway that
  /// does not read loses the message. @returns false if there is no such gateway any more.
  virtual bool send(const std::string& gateway, const proto::link_reply& header,
                    const item_outputs& outputs) = 0;
  /// Runs a batch on an idle instance. Instances are numbered through all models, in the order of
  /// the desk's specs. @returns what came of it if the instance takes no time (`runs_in_line`);
  /// otherwise `engine_desk::on_batch` is told later.
  virtual std::optional<finished_batch> start(std::size_t instance, batch&& next) = 0;
  /// Runs a step of a model that streams on its idle instance; `engine_desk::on_step` is told
  /// later.
  virtual void start_step(std::size_t instance, token_step&& next) = 0;
  /// A message had no effect: of a stranger, of another incarnation, or unknown.
  virtual void ignored(const char* why) = 0;
};

}  // namespace coppice::worker
