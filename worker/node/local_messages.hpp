#pragma once

#include "proto/messages/control.hpp"
#include "worker/node/engine_watch.hpp"
#include "worker/node/model_set.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <string>

namespace coppice::worker {

/// Messages between the actors of one worker process; they never leave it. `k` is the engine's
/// place in the node.

/// The engine process has been started.
struct engine_started {
  std::uint32_t k = 0;
  std::int64_t pid = 0;
};

/// The engine process has reported.
struct engine_reported {
  std::uint32_t k = 0;
  proto::engine_report report;
};

/// The engine has nothing open now, or something again.
struct engine_quiet {
  std::uint32_t k = 0;
  bool quiet = false;
};

/// The engine process has ended.
struct engine_ended {
  std::uint32_t k = 0;
  engine_exit how;
};

/// Node to worker: start the engine, with these models.
struct start_engine {
  shared_model_set models;
};

/// Node to worker: ask the engine to end; `engine_ended` follows within 2 s.
struct stop_engine {};

/// Node to itself: something may be due.
struct supervise {};

/// To the node: drain every engine, then end.
struct stop_node {};

/// Node to its store: write that record for good. `record_kept` follows.
struct keep_record {
  std::string text;
};
struct record_kept {
  /// One sentence; empty: it is written.
  std::string problem;
};

/// Node to its store: open the models of that revision. `models_opened` follows.
struct open_models {
  proto::desired_state desired;
};
struct models_opened {
  std::uint64_t revision = 0;
  /// Null: they cannot be used.
  shared_model_set models;
  /// Why not, one sentence.
  std::string problem;
};

}  // namespace coppice::worker

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_reported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_quiet)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::engine_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::start_engine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::stop_engine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::supervise)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::stop_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::keep_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::record_kept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::open_models)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(coppice::worker::models_opened)
