#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace coppice::scheduler {

struct silence_limits {
  /// No new work after this; snapshots come every 100 ms.
  duration suspect_after = 400ms;
  duration dead_after = 500ms;
  /// Dead after this while the scheduler doubts itself.
  duration dead_in_doubt = 2s;
  /// Nodes that were last heard within this time of each other fell silent together.
  duration together = 1s;
  /// With fewer nodes it does not doubt itself.
  std::size_t doubt_from = 4;
};

enum class hearing { heard, suspect, dead };

/// Judges nodes by the silence of their snapshots. When half or more of them fall silent together
/// it is rather the scheduler that hears nothing: then a node stays `suspect` for longer before it
/// is believed to be dead. So does one whose engines are known to live, by others who hear them:
/// then it is only this scheduler that is cut off. A dead node stays so until it is heard again.
class silence_watch {
 public:
  explicit silence_watch(silence_limits limits = {}) : limits_{limits} {}

  void heard(const std::string& node, steady_time now);
  /// An engine of the node lived at that moment, as a gateway knows.
  void vouch(const std::string& node, steady_time lived);
  /// Whether it is silent, but somebody knew it alive less than `dead_after` ago.
  [[nodiscard]] bool is_vouched_for(const std::string& node, steady_time now) const;
  /// Not watched any more: its end is known otherwise.
  void forget(const std::string& node) { nodes_.erase(node); }
  /// `slept` of the time that passed is nobody's silence.
  void excuse(duration slept, steady_time now);
  /// @returns the nodes that are dead since this turn.
  std::vector<std::string> turn(steady_time now);
  /// `heard` for a node that is not watched.
  [[nodiscard]] hearing of(const std::string& node, steady_time now) const;
  /// Whether, at the last turn, some node was spared because so many had fallen silent with it.
  [[nodiscard]] bool doubts_itself() const noexcept { return doubts_; }
  /// How long nothing was heard of it.
  [[nodiscard]] duration silence(const std::string& node, steady_time now) const;

 private:
  struct entry {
    steady_time heard;
    steady_time lived{};
    bool dead = false;

    [[nodiscard]] steady_time last_sign() const { return std::max(heard, lived); }
  };
  [[nodiscard]] bool in_doubt(steady_time fell_silent, steady_time now) const;

  silence_limits limits_;
  std::map<std::string, entry> nodes_;
  bool doubts_ = false;
};

}  // namespace coppice::scheduler
