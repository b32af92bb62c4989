#pragma once

#include "base/backoff.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace coppice::actors {

/// Who is started again when a child ends.
enum class strategy : std::uint8_t {
  one_for_one,  ///< that child
  all_for_one,  ///< all: its siblings are stopped, then all start together
};

/// "one-for-one" or "all-for-one".
[[nodiscard]] std::string_view strategy_name(strategy of) noexcept;

/// How often and how soon children that ended are started again.
struct restart_options {
  /// Restarts allowed within `period`, and starts in a row that never became ready; one more and
  /// the level above decides.
  std::uint32_t intensity = 5;
  duration period = 60s;
  backoff pause;
};

/// One level of a supervision tree: decides which children start, stop and wait, and when it is too
/// much for this level (`exceeded`). Pure: time and the draw for jitter come from outside; the
/// owner carries out what it is told.
///
/// A child is waiting (for its start), running, ready, or stopping. A child that is stopping was
/// told so by `ended`, and its end is no incident of its own. Under all-for-one nobody starts
/// before every sibling has ended. After `exceeded` nothing starts until `try_again`: a trial, in
/// which any end within `period` after all children were ready exceeds at once.
class supervisor {
 public:
  using child = std::size_t;

  /// Every child waits for its first start, due at once.
  supervisor(strategy how, std::size_t children, restart_options options);

  struct reaction {
    /// Children to be stopped now.
    std::vector<child> stop;
    /// This level gives up; the one above decides. Told once.
    bool exceeded = false;
  };
  /// @param draw  uniform in [0, 1).
  [[nodiscard]] reaction ended(child which, steady_time now, double draw);
  void ready(child which, steady_time now);
  /// Children to be started now; they count as running.
  [[nodiscard]] std::vector<child> due(steady_time now);
  /// When `due` has something next; nothing while it waits for an end or for `try_again`.
  [[nodiscard]] std::optional<steady_time> next_due() const;
  void try_again(steady_time now);
  /// Every child was replaced by another one, which is ready: a new beginning.
  void replaced(steady_time now);

  [[nodiscard]] strategy how() const noexcept { return how_; }
  [[nodiscard]] bool has_given_up() const noexcept { return given_up_; }
  /// Between `try_again` and the next `exceeded`, or the next end after the trial was passed.
  [[nodiscard]] bool is_in_trial() const noexcept { return trial_; }

 private:
  enum class phase : std::uint8_t { waiting, running, ready, stopping };
  struct member {
    phase at = phase::waiting;
    steady_time start_at{};
    /// Starts in a row that ended before they were ready.
    std::uint32_t unready = 0;
  };
  [[nodiscard]] bool all_waiting() const noexcept;
  [[nodiscard]] bool too_much(const member& failed, steady_time now);
  [[nodiscard]] bool trial_passed(steady_time now) const noexcept;
  void stop_siblings(std::vector<child>& stopped);
  void start_at(child which, steady_time at);

  strategy how_;
  restart_options options_;
  std::vector<member> members_;
  /// Restarts within the period.
  std::deque<steady_time> recent_;
  bool given_up_ = false;
  bool trial_ = false;
  steady_time all_ready_since_{};
};

}  // namespace coppice::actors
