#pragma once

#include "base/clock.hpp"
#include "worker/engine/progress_page.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coppice::worker {

/// How long parts of an engine may stand still.
struct hang_limits {
  /// One step whose usual time is not known; a known one may only lower it.
  duration step = 60s;
  /// No known time lowers it further than to this.
  duration least_step = 1s;
  /// The link thread while attempts are open: it turns at least each 100 ms.
  duration link = 1s;
  /// The link thread while nothing is open.
  duration idle_link = 3s;
  /// An engine that starts: until it begins with its first model, and each model.
  duration load = 60s;
  /// Each model has that much more time: one second for as many bytes.
  std::uint64_t load_bytes_per_s = 10ull << 20;
};

/// What stands still, and for how long.
struct standstill {
  enum class part { step, link, load };
  part what = part::step;
  duration stood{0};
  duration limit{0};
  /// load: which, "name:version"; empty before the first.
  std::string model;
};

/// A clause: "made no progress in one step for 1.0 s (its limit: 1.0 s)".
[[nodiscard]] std::string describe(const standstill& found);

/// Judges from the shared page whether an engine hangs: a lane whose counter stands still at an odd
/// value, or a link thread that does not turn, for as long as its limit. An idle lane (even) never
/// hangs; neither does a busy one whose steps end. Time counts only as far as it was watched: a
/// gap between two looks counts as `longest_gap` at most, so a worker that was itself frozen or
/// starved blames nobody.
class progress_watch {
 public:
  static constexpr duration longest_gap = 200ms;

  explicit progress_watch(hang_limits limits = {}) : limits_{limits} {}

  /// Looks at the page; call it often. @param serving  the engine has said that it is ready;
  /// before, nothing turns and nothing is judged.
  [[nodiscard]] std::optional<standstill> look(const progress_page& page, bool serving,
                                               steady_time now);
  /// Whether at the last look nothing was open and no step had begun or ended since the one before.
  [[nodiscard]] bool quiet() const noexcept { return quiet_; }

 private:
  struct seen {
    std::uint64_t count = 0;
    duration since{0};  // of watched time
  };
  [[nodiscard]] std::optional<standstill> judge_lane(const progress_page::lane& lane, seen& last);
  [[nodiscard]] std::optional<standstill> judge_link(const progress_page& page);
  [[nodiscard]] duration step_limit(std::uint64_t learned_us) const noexcept;

  hang_limits limits_;
  std::optional<steady_time> last_look_;
  duration watched_{0};
  std::array<seen, progress_page::max_lanes> lanes_{};
  seen turns_;
  bool quiet_ = false;
};

/// Attempts of the steps that were in progress when the page was last written.
[[nodiscard]] std::vector<std::uint64_t> attempts_in_progress(const progress_page& page);

}  // namespace coppice::worker
