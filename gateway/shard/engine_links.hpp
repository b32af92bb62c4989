#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

/// When a link is asked whether it lives, and when it is given up.
struct link_limits {
  /// A link that owes a word (its welcome, an answer): pinged and lost after so long without one.
  duration ping_owing = 150ms;
  duration silence_owing = 500ms;
  /// One that owes nothing.
  duration ping_idle = 1s;
  duration silence_idle = 3s;
  /// A link reset waits this long for the worker to say which attempts are suspects.
  duration reset_grace = 10ms;
  /// Large messages hold up the others behind them: silence counts from when, at this rate in bytes
  /// a second, they would be through. 100 Mbit/s is the slowest network that is promised to work.
  double slowest_rate = 12.5e6;
};

/// The link to one incarnation of an engine. Its times are those of `engine_links`' own clock but
/// for `reset`.
struct engine_link {
  incarnation_id incarnation;
  std::string engine;
  std::string endpoint;
  std::string link_key;
  steady_time heard;
  steady_time pinged;
  /// When what is under way will be through.
  steady_time busy_until;
  bool was_heard = false;
  /// Attempts on it are open.
  bool has_open = false;
  /// It owes a word (its welcome, an answer, or a sign of life while it is doubted) since then.
  bool owes = true;
  steady_time owes_since;
  /// When its connection dropped; `steady_time::max()`: it stands.
  steady_time reset = steady_time::max();
  /// A scheduler hears nothing of the engine's node; no scheduler has granted it since.
  bool doubted = false;
  /// As in `proto::grant`.
  std::string engine_key;
};

/// Links by incarnation. A link is opened by the first grant for it and belongs to that
/// incarnation alone: it never reconnects.
///
/// Silence is measured by a clock that stands still while this process does: a gateway that was
/// frozen heard nobody, and that is nobody's fault.
class engine_links {
 public:
  explicit engine_links(const link_limits& limits = {}) : limits_{limits} {}

  /// Ends doubt in the link. @returns the new link if the grant opened one, else null.
  const engine_link* open(const proto::grant& grant);
  /// Opens one again that was lost.
  const engine_link& reopen(const engine_link& lost);
  [[nodiscard]] engine_link* find(incarnation_id incarnation) noexcept;
  [[nodiscard]] engine_link* find_endpoint(const std::string& endpoint) noexcept;
  void close(incarnation_id incarnation) { links_.erase(incarnation); }
  /// Links to the engines of the node that `engine` is on (`node/engine`); a name without a node is
  /// an engine of its own.
  [[nodiscard]] std::vector<incarnation_id> beside(std::string_view engine) const;

  /// A message came.
  void heard(engine_link& link) const noexcept {
    link.heard = awake_;
    link.was_heard = true;
  }
  [[nodiscard]] bool was_heard_within(const engine_link& link, duration time) const noexcept {
    return link.was_heard && awake_ - link.heard < time;
  }
  /// So many bytes have been put on the link, or are announced by its engine.
  void carries(engine_link& link, std::size_t bytes) const noexcept;
  /// To be called often: time without a call for longer than 50 ms does not count as silence.
  void tick(steady_time now) noexcept;
  /// Whether this process stood still at some time since `then`: it cannot say how long others
  /// took.
  [[nodiscard]] bool stood_still_since(steady_time then, steady_time now) const noexcept;
  /// Which links owe a word from now on: those that were never heard, and those whose incarnations
  /// `each_open` calls its argument with.
  template <class EachOpen>
  void update_owing(const EachOpen& each_open) {
    for (auto& [incarnation, link] : links_) link.has_open = false;
    each_open([&](incarnation_id on) {
      if (auto* link = find(on)) link->has_open = true;
    });
    for (auto& [incarnation, link] : links_) settle(link);
  }

  /// Links to ping now; marks them pinged.
  [[nodiscard]] std::vector<const engine_link*> due_for_ping();
  /// Links that dropped longer ago than the grace.
  [[nodiscard]] std::vector<engine_link> dropped(steady_time now) const;
  /// Links that stand and are silent for longer than they may.
  [[nodiscard]] std::vector<engine_link> silent() const;
  [[nodiscard]] std::size_t size() const noexcept { return links_.size(); }

 private:
  const engine_link& add(engine_link link);
  void settle(engine_link& link) const noexcept;

  link_limits limits_;
  std::unordered_map<incarnation_id, engine_link> links_;
  steady_time awake_{};
  steady_time last_tick_ = steady_time::max();
  /// When it last came back from standing still.
  steady_time came_back_{};
};

}  // namespace coppice::gateway
