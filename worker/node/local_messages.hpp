#pragma once

#include "proto/messages/control.hpp"
#include "worker/node/engine_watch.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>

namespace coppice::worker {

/// Messages between the actors of one worker process; they never leave it.

/// The engine process has been started.
struct engine_started {
  std::int64_t pid = 0;
};

/// A report and the process start it belongs to.
struct engine_reported {
  proto::engine_report report;
};

/// The engine process has ended.
struct engine_ended {
  engine_exit how;
};

/// Start the engine again.
struct start_engine {};

/// The state of a node's k-th engine has changed.
struct engine_changed {
  std::uint32_t k = 0;
  proto::engine_state state;
};

}  // namespace coppice::worker

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_reported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::start_engine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_changed)
