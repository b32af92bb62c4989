#pragma once

#include "base/clock.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/batch_times.hpp"
#include "worker/model/model_spec.hpp"

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

namespace coppice::worker {

/// Attempts of one version of one model on one engine: holds at most the model's capacity and
/// forms batches. Pure: the link thread owns it and passes the time in.
///
/// When a batch leaves, given a free instance:
///   alone     the model is not batchable: the most urgent attempt
///   size      (not `window`) `max_batch` rows of one shape are there
///   window    (not `size`) the oldest of the shape is `max_delay` old
///   deadline  waiting longer would break the most urgent deadline, by the measured batch time
///   idle      `max_delay` is 0: a free instance never waits on purpose; or (hybrid) as many rows
///             are here as were here at once lately, so nobody else is expected. A lone request
///             does not pay for the window, and neither does the last of a group of clients that
///             each wait for their answer. What was here at once is forgotten after two epochs of
///             max(20 ms, 10 x max_delay), or as soon as a window passes in vain.
/// Rows of other shapes wait for their own batch. Earliest deadline first throughout; an attempt
/// whose deadline has passed never starts. Suspects wait apart, oldest first, for `next_suspect`.
class attempt_queue {
 public:
  explicit attempt_queue(const model_spec& spec);

  /// @returns false if the attempt does not fit the capacity; `attempt` is then left as it was.
  [[nodiscard]] bool push(attempt&& attempt, steady_time now);
  /// The next batch that may start on a free instance, if one should start now. No suspect.
  [[nodiscard]] std::optional<batch> next(steady_time now);
  /// Arrival of the oldest suspect whose deadline has not passed.
  [[nodiscard]] std::optional<steady_time> suspect_since(steady_time now) const;
  /// That suspect, a batch of its own.
  [[nodiscard]] std::optional<batch> next_suspect(steady_time now);
  /// When `take_expired`, or with a free instance `next`, may have something, if nothing else
  /// happens before. No time is due to `next_suspect`.
  [[nodiscard]] std::optional<steady_time> next_event(bool free_instance) const;
  /// Attempts whose deadline has passed while they waited.
  [[nodiscard]] std::vector<attempt> take_expired(steady_time now);
  /// The waiting attempt of that id and gateway, taken out.
  [[nodiscard]] std::optional<attempt> cancel(attempt_id id, const std::string& gateway);
  /// Everything that waits for `gateway`, taken out.
  std::vector<attempt> drop_gateway(const std::string& gateway);
  /// Everything that waits, taken out.
  std::vector<attempt> drop_all();
  /// A batch that `next` gave out has ended.
  void finished(std::uint32_t rows, duration took);

  [[nodiscard]] std::uint32_t queued_rows() const noexcept { return queued_rows_; }
  [[nodiscard]] std::uint32_t running_rows() const noexcept { return running_rows_; }
  [[nodiscard]] const batch_times& times() const noexcept { return times_; }

 private:
  /// Highest number of rows here at once during the last two epochs.
  class recent_peak {
   public:
    explicit recent_peak(duration epoch) : epoch_{epoch} {}
    void see(std::uint32_t rows, steady_time now);
    /// A window passed in vain: nobody beyond these `rows` is expected.
    void lower_to(std::uint32_t rows) noexcept { current_ = rows, last_ = 0; }
    [[nodiscard]] std::uint32_t rows() const noexcept { return std::max(current_, last_); }

   private:
    duration epoch_;
    steady_time began_{};
    std::uint32_t current_ = 0, last_ = 0;
  };

  using waiting = std::list<attempt>;
  struct shape_rows {
    std::uint32_t rows = 0;
    steady_time oldest = steady_time::max();
  };
  [[nodiscard]] shape_rows same_shape(const attempt& first) const;
  [[nodiscard]] steady_time forced_at(const attempt& first, std::uint32_t rows) const;
  [[nodiscard]] std::optional<release_reason> why_now(const attempt& first, steady_time now) const;
  /// The most urgent attempt of each shape; only it can lead a batch.
  [[nodiscard]] std::vector<const attempt*> leaders(steady_time now) const;
  [[nodiscard]] batch take(const std::string& shape, release_reason reason, steady_time now);
  attempt take_out(waiting& from, waiting::iterator at);
  /// Takes out all that `which` holds for.
  template <class Predicate>
  [[nodiscard]] std::vector<attempt> take_if(Predicate which);

  bool batchable_;
  std::uint32_t max_batch_;
  std::uint32_t capacity_;
  duration max_delay_;
  batch_policy policy_;
  /// By deadline, earliest first.
  waiting waiting_;
  /// By arrival.
  waiting suspects_;
  std::uint32_t queued_rows_ = 0;
  std::uint32_t running_rows_ = 0;
  recent_peak peak_;
  batch_times times_;
};

/// The batching key of an item: shapes beyond the batch dimension, as `spec` lets them share.
[[nodiscard]] std::string shape_key(const model_spec& spec, const batch_item& item);

}  // namespace coppice::worker
