#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "worker/engine/token_step.hpp"
#include "worker/engine/token_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice::worker {

/// One attempt at a stream.
struct sequence {
  attempt_id id;
  /// Routing id of the gateway shard that sent it.
  std::string gateway;
  sequence_start start;
  token_stream tokens;
  /// Length of the whole stream.
  std::uint32_t max_tokens = 1;
  steady_time arrived;
  steady_time deadline;
  /// Of the engine's budget.
  std::size_t bytes = 0;
  /// A suspect: its steps run while nothing else runs on the engine.
  bool alone = false;
};

/// Something to tell about one sequence: a chunk, or its end.
struct sequence_part {
  attempt_id id;
  std::string gateway;
  /// At the end: the rest; with a failure nothing.
  token_chunk tokens;
  bool final = false;
  std::optional<error> failure;
  /// At the end, of the sequence: before its first step, and since then.
  duration waited{0};
  duration computed{0};
  std::size_t bytes = 0;
  bool alone = false;
  /// Its gateway is gone: only the books are to be kept.
  bool unheard = false;
};

/// The sequences of one model on one engine, by slot, and its steps: each step advances every
/// sequence that may go on by one token; sequences join and leave between steps. Pure. One step at
/// a time: `finished` before the next. What came of any call is in `take_parts`.
///
/// A sequence ends when it is complete, fails, is cancelled or meets its deadline; in a step, when
/// that step has ended. Its slot is free once its last part was taken. A paused one (its reader is
/// slow) keeps its slot and has no steps.
class sequence_slots {
 public:
  explicit sequence_slots(std::uint32_t slots) : slots_(slots) {}

  /// @returns false if every slot is taken; `joining` is then left as it was.
  [[nodiscard]] bool add(sequence&& joining);
  /// The next step of all but suspects, if one is due. Ends alone make a step.
  [[nodiscard]] std::optional<token_step> next(steady_time now);
  /// Since when the suspect that waited longest for a step has waited.
  [[nodiscard]] std::optional<steady_time> suspect_since(steady_time now) const;
  /// The next step of that suspect.
  [[nodiscard]] std::optional<token_step> next_suspect(steady_time now);
  void finished(const finished_step& done, steady_time now);

  void open_window(const std::string& gateway, attempt_id id, std::uint32_t chunks);
  /// @returns whether it was here.
  bool cancel(const std::string& gateway, attempt_id id, steady_time now);
  void drop_gateway(const std::string& gateway);
  void expire(steady_time now);
  /// Those that have not begun, taken out.
  [[nodiscard]] std::vector<sequence> take_joining();

  /// What is to be told since the last call, in order for each sequence.
  [[nodiscard]] std::vector<sequence_part> take_parts();

  [[nodiscard]] bool stepping() const noexcept { return stepping_; }
  /// The earliest deadline of those that have not ended.
  [[nodiscard]] std::optional<steady_time> next_deadline() const;
  /// Sequences that have begun, and those that have not.
  [[nodiscard]] std::uint32_t running() const;
  [[nodiscard]] std::uint32_t joining() const;

 private:
  enum class phase : std::uint8_t { joining, running, over };
  struct place {
    explicit place(sequence&& joining) : of{std::move(joining)}, since{of.arrived} {}
    sequence of;
    phase at = phase::joining;
    /// It was given to the model, which has to be told its end.
    bool begun = false;
    bool in_step = false;
    bool unheard = false;
    std::optional<error> failure;
    /// Since when it has waited for a step.
    steady_time since;
    steady_time first_step;
    steady_time ended;
  };

  [[nodiscard]] place* find(const std::string& gateway, attempt_id id);
  [[nodiscard]] static bool may_go_on(const place& each, steady_time now);
  [[nodiscard]] const place* longest_waiting_suspect(steady_time now) const;
  void join_step(place& each, std::uint32_t slot, token_step& step);
  static void end(place& ended, std::optional<error> why, steady_time now);
  [[nodiscard]] static sequence_part last_part(place& ended);
  [[nodiscard]] std::uint32_t count(phase at) const;

  /// By slot; empty: free.
  std::vector<std::optional<place>> slots_;
  /// Slots that the model still has to end.
  std::vector<std::uint32_t> ends_;
  bool stepping_ = false;
};

}  // namespace coppice::worker
