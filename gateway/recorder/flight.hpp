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
  /// The engine that answered it, or that had it at the end, and when it was sent there; none: the
  /// request waited.
  incarnation_id incarnation;
  steady_time sent{};
  /// When that engine had said its last, which for a stream is before the end; zero: it had not.
  steady_time answered{};
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

/// An attempt that ended without an outcome; or, without an engine, a verdict that held the request
/// back.
struct lost_flight {
  incarnation_id incarnation;
  steady_time sent, ended;
  /// One sentence or part of it: refused, lost and why, suspect, hedged.
  std::string how{};
  /// Why the request waits from then on; empty: for credit.
  std::string then{};
};

}  // namespace coppice::gateway
