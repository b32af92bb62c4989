#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "worker/model/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::worker {

/// One attempt that an engine has accepted: checked inputs and where its outcome goes.
struct attempt {
  attempt_id id;
  /// Routing id of the gateway shard that sent it.
  std::string gateway;
  batch_item item;
  /// Names of the wanted outputs; empty: all.
  std::vector<std::string> outputs;
  steady_time arrived;
  steady_time deadline;
  /// Bytes of its inputs, of the engine's budget.
  std::size_t bytes = 0;
  /// Attempts with equal keys may share a batch; made by `shape_key`.
  std::string shape;
  /// A suspect: it runs while nothing else runs on the engine.
  bool alone = false;
};

/// Why a batch left the queue.
enum class release_reason : std::uint8_t { idle, size, window, deadline, alone };

[[nodiscard]] constexpr const char* reason_name(release_reason reason) noexcept {
  constexpr const char* names[] = {"idle", "size", "window", "deadline", "alone"};
  return names[static_cast<std::size_t>(reason)];
}

/// Attempts that run in one step of one model instance.
struct batch {
  std::vector<attempt> attempts;
  std::uint32_t rows = 0;
  release_reason reason = release_reason::idle;
};

/// A batch that has run: one result per attempt, in order.
struct finished_batch {
  batch ran;
  std::vector<expected<item_outputs>> results;
  steady_time began{};
  duration took{0};
};

}  // namespace coppice::worker
