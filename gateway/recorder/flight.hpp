#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "gateway/retry/recent_times.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::gateway {

/// One model as the recorder knows it. Lives as long as the recorder; a route keeps a pointer.
struct flight_model {
  std::string name;
  std::uint32_t version = 0;
  /// Times from admission to the outcome.
  recent_times totals;
  /// Of `totals`, brought up to date every 256 requests; zero: not known yet.
  duration p99{0};
};

/// A request that got its outcome, as the shard tells it. The views need live during the call only.
struct flight {
  row_id row;
  /// msgpack, as the client sent it.
  std::string_view id;
  std::string_view key, session, tenant, priority_class;
  /// The version that ran, or that was asked for.
  std::uint32_t version = 0;
  steady_time arrived, ended;
  /// The attempt that was live at the end, when it was sent and where; none: the request waited.
  incarnation_id incarnation;
  steady_time sent{};
  /// The engine's own times; zero where it gave none.
  std::uint64_t batch_us = 0, compute_us = 0;
  /// Rows of the batch and why it left the engine's queue, if the engine told.
  std::uint32_t batch_rows = 0;
  std::string_view release;
  std::uint32_t attempts = 0, refusals = 0;
  /// None: completed.
  std::optional<errc> code;
  /// The error's sentence.
  std::string_view message;
};

/// An attempt that ended without an outcome.
struct lost_flight {
  incarnation_id incarnation;
  std::string engine;
  steady_time sent, ended;
  /// One sentence or part of it: refused, lost and why, suspect, cancelled.
  std::string how;
};

}  // namespace coppice::gateway
