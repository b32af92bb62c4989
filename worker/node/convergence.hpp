#pragma once

#include "base/backoff.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coppice::worker {

/// How a node stands to the revisions of its desired state.
struct revision_standing {
  /// The one to which it converged last.
  std::uint64_t settled = 0;
  /// The last one that it took.
  std::uint64_t target = 0;
  /// It does not come to the target.
  bool failed = false;
};

/// Brings a node's engines to its target, one unit (an engine, or a group) after the other, so that
/// no more than one unit runs twice. The successors of a unit start beside it, and take its place
/// together once all of them are ready; the next unit waits until the predecessors have ended. If
/// one of them ends before that, or an engine of the target is given up, the target has failed:
/// units that have it already go back to the settled revision in the same way, as often as it
/// takes. A newer target may come at any time. Pure: what is started, drained and stopped is up to
/// the owner.
class convergence {
 public:
  /// @param units  places of each. @param pause  before another attempt to go back.
  convergence(std::vector<std::vector<std::size_t>> units, revision_standing standing,
              backoff pause = {});

  /// The node took that target; what is under way for another one is abandoned.
  void aim(std::uint64_t target);
  /// Engines of the target may be started.
  void may_begin(std::uint64_t target);
  /// The target will not do. Without effect if it is another one, or was reached.
  void fail(std::uint64_t target, std::string why);

  /// Places whose successors are to be started now, with the revision `step()`.
  /// @param calm  every engine that serves is up, or given up.
  [[nodiscard]] std::vector<std::size_t> due(steady_time now, bool calm);
  [[nodiscard]] std::uint64_t step() const noexcept { return step_; }
  /// Places whose successors are to be stopped now; told once.
  [[nodiscard]] std::vector<std::size_t> abandoned();

  /// The successor in that place is ready. @returns the places whose successors take over now;
  /// their predecessors drain and end.
  [[nodiscard]] std::vector<std::size_t> ready(std::size_t place);
  /// @param why  one sentence. @param draw  uniform in [0, 1), for the jitter of the pause.
  void successor_ended(std::size_t place, const std::string& why, steady_time now, double draw);
  void predecessor_ended(std::size_t place);
  /// The engine that serves there was given up after too many restarts.
  void given_up(std::size_t place, const std::string& why);

  /// On the way to the target, or in the middle of a way back.
  [[nodiscard]] bool is_under_way() const noexcept {
    return is_converging() || phase_ != phase::idle;
  }
  /// The revision of the engine that serves in that place.
  [[nodiscard]] std::uint64_t runs(std::size_t place) const {
    return units_.at(unit_of(place)).runs;
  }

  struct outcome {
    std::uint64_t target = 0;
    /// Why it failed; empty: every engine has it.
    std::string failure;
  };
  /// What became of a target; told once.
  [[nodiscard]] std::optional<outcome> take_outcome();

 private:
  enum class phase : std::uint8_t {
    idle,
    warming,     ///< successors start
    leaving,     ///< successors serve, predecessors end
    abandoning,  ///< successors end
  };
  struct unit {
    std::vector<std::size_t> places;
    std::uint64_t runs = 0;
  };
  [[nodiscard]] std::size_t unit_of(std::size_t place) const;
  [[nodiscard]] bool is_converging() const noexcept {
    return at_.target != at_.settled && !at_.failed;
  }
  [[nodiscard]] std::uint64_t goal() const noexcept {
    return at_.failed ? at_.settled : at_.target;
  }
  void settle();
  void abandon();
  void one_less(std::size_t place);

  std::vector<unit> units_;
  revision_standing at_;
  backoff pause_;
  bool may_begin_ = false;
  phase phase_ = phase::idle;
  /// Of the unit under way: its number, the revision that it gets, and the places where a process
  /// is to become ready (`unready_`), or to end before the next unit's turn (`alive_`).
  std::size_t current_ = 0;
  std::uint64_t step_ = 0;
  std::set<std::size_t> unready_, alive_;
  std::vector<std::size_t> abandoned_;
  std::optional<outcome> outcome_;
  /// Attempts to go back that failed in a row, and when the next one may begin.
  std::uint32_t streak_ = 0;
  steady_time not_before_{};
};

}  // namespace coppice::worker
