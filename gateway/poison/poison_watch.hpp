#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

struct poison_limits {
  /// Contents watched at once. Suspects beyond them are treated like any other.
  std::size_t contents = 10'000;
  /// How long a conviction by a trial here holds.
  duration convicted_for = std::chrono::minutes{10};
  /// A suspicion that no scheduler has judged by then is tried here.
  duration judged_within = 100ms;
  /// How long a trial here may wait for a request of its content.
  duration trial_within = 30s;
};

/// What a request of convicted content is answered.
[[nodiscard]] error poisonous();

/// What is to be done with a request of some content.
enum class poison_verdict {
  /// Like any other.
  go,
  /// Held back: the watch says when it may go.
  hold,
  /// Alone on its engine: it is the trial.
  alone,
  /// Refused with `poison`.
  refuse,
};

/// What has become due: the shard carries it out. Rows are those that the watch held; some may be
/// closed by now.
struct poison_orders {
  /// To the home scheduler, as `suspicion`.
  std::vector<proto::fingerprint> suspects;
  /// To the home scheduler.
  std::vector<proto::trial_result> results;
  /// The trial: wait for credit, then `ask` says `alone`.
  std::vector<row_id> alone;
  /// Wait for credit like any other.
  std::vector<row_id> go;
  /// End with `poison`.
  std::vector<row_id> refuse;

  [[nodiscard]] bool empty() const noexcept {
    return suspects.empty() && results.empty() && alone.empty() && go.empty() && refuse.empty();
  }
};

/// Contents that were running when an engine died, in one shard. A content is *suspected* until the
/// home scheduler names the gateway that tries one such request alone (or, if it says nothing,
/// until that happens here); meanwhile all its requests are held. If the trial ends its engine, the
/// content is convicted and refused: so it ends two engines, however often it is sent. Otherwise it
/// is like any other again. Only a trial convicts: to have been among the suspects of two deaths is
/// the fate of what is sent often.
///
/// Pure, one thread. Costs nothing while `empty()`: nobody needs a fingerprint then.
class poison_watch {
 public:
  /// @param gateway  the own name, as judgements name it.
  explicit poison_watch(std::string gateway, const poison_limits& limits = {});

  /// Nothing is suspected or convicted: every request may go unasked.
  [[nodiscard]] bool empty() const noexcept { return contents_.empty(); }
  /// Whether something is thought of that content.
  [[nodiscard]] bool watches(const proto::fingerprint& of) const { return contents_.contains(of); }
  /// Asked before a row is sent. After `hold` the row is the watch's until it is named in an order
  /// or `closed`.
  [[nodiscard]] poison_verdict ask(const proto::fingerprint& of, row_id row, steady_time now);

  /// An engine died of its own doing while it ran `row`, not alone. The row is held, or named in
  /// the orders at once. Without row (it was at_most_once, or runs elsewhere already) only its
  /// content is watched.
  void suspect(const proto::fingerprint& of, row_id row, steady_time now);
  /// The trial ended: it was answered, or the engine died of it, which counts whenever it is told.
  /// An end that says nothing (killed from outside, refused) is not told: the row asks again when
  /// it is sent again.
  void trial_ended(const proto::fingerprint& of, row_id row, bool killed, steady_time now);
  /// A row that is held or on trial got its outcome otherwise: deadline, cancelled.
  void closed(const proto::fingerprint& of, row_id row);
  /// What the scheduler has decided.
  void judge(const proto::judgement& judged, steady_time now);
  /// At least every 10 ms. O(1) while nothing is due.
  void tick(steady_time now);

  /// What has become due since the last call.
  [[nodiscard]] poison_orders take_orders() noexcept;
  [[nodiscard]] bool has_orders() const noexcept { return !orders_.empty(); }
  [[nodiscard]] std::size_t contents() const noexcept { return contents_.size(); }
  [[nodiscard]] std::size_t convicted() const noexcept;
  [[nodiscard]] std::size_t held_rows() const noexcept;

 private:
  enum class stage { suspected, trial_here, trial_elsewhere, convicted };
  struct content {
    stage at = stage::suspected;
    /// When the stage is over.
    steady_time until{};
    /// Ordered, so that a replay holds and frees in the same order.
    std::set<row_id> held;
    /// trial_here: the row that is tried. It is not among the held.
    row_id on_trial;
  };
  using entry = std::unordered_map<proto::fingerprint, content>::iterator;

  /// Null if there is no room.
  content* watch(const proto::fingerprint& of);
  void enter(content& which, stage next, steady_time until);
  void suspect_again(const proto::fingerprint& of, content& which, steady_time now);
  void try_here(content& which, steady_time until);
  void try_next(content& which);
  void killed_alone(const proto::fingerprint& of, steady_time now);
  void convict(content& which, steady_time until);
  void release(entry which);
  /// @returns whether the entry is to be dropped.
  bool stage_over(const proto::fingerprint& of, content& which, steady_time now);

  std::string gateway_;
  poison_limits limits_;
  std::unordered_map<proto::fingerprint, content> contents_;
  /// No stage is over before.
  steady_time next_due_ = steady_time::max();
  poison_orders orders_;
};

}  // namespace coppice::gateway
