#pragma once

#include "gateway/admission/overload_guard.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <unordered_map>
#include <vector>

/// One model behind one gateway in virtual time: the real admission and waiting rows in front of
/// engines of a known rate.
namespace coppice::gateway::testing {

inline const steady_time start{std::chrono::hours{1}};

/// Instances that run batches of 8 rows in `step`, give or take a twentieth, started when full or
/// after `window`; they hold one batch ahead, as engines do.
struct engine_shape {
  std::size_t instances = 4;
  duration step = 20ms;
  duration window = 5ms;
  static constexpr std::size_t max_batch = 8;

  [[nodiscard]] double per_second() const {
    return static_cast<double>(instances * max_batch) / std::chrono::duration<double>(step).count();
  }
  [[nodiscard]] duration unloaded() const { return step + window; }
};

struct asked_of_model {
  priority rank = priority::normal;
  duration timeout = 30s;
  tenant_id tenant{1};
  std::uint32_t weight = 1;
};

struct outcome_of_model {
  asked_of_model asked;
  steady_time arrived;
  steady_time ended;
  bool answered = false;
  /// Neither answered nor late.
  std::optional<shed_reason> refused;
  [[nodiscard]] duration latency() const { return ended - arrived; }
};

class served_model {
 public:
  served_model(engine_shape shape, admission_limits limits) : shape_{shape}, limits_{limits} {}

  /// `what` happens at `when`.
  void at(steady_time when, std::function<void()> what) {
    events_.push({when, ++order_, std::move(what)});
  }
  void run_until(steady_time end) {
    while (!events_.empty() && events_.top().when <= end) {
      const auto next = events_.top();
      events_.pop();
      now_ = next.when;
      next.what();
    }
    now_ = end;
  }
  [[nodiscard]] steady_time now() const { return now_; }

  /// Called with every outcome.
  std::function<void(const outcome_of_model&)> ended = [](const auto&) {};
  /// Asked first; a refusal ends the request.
  std::function<std::optional<shed>(const asked_of_model&)> quota = [](const auto&) {
    return std::nullopt;
  };

  void ask(const asked_of_model& asked) {
    outcome_of_model row{asked, now_, {}, false, {}};
    if (const auto over = quota(asked)) return refuse(row, over->reason);
    arrival coming;
    coming.row = {asked.rank, asked.tenant, asked.weight, now_ + asked.timeout, {++id_}, 1, now_};
    coming.draw = 0.5;
    const auto verdict = guard_.judge(limits_, coming, waiting_, 0, now_);
    if (verdict.refused) return refuse(row, verdict.refused->reason);
    if (verdict.push_out) end_unserved(*waiting_.newest_below(asked.rank), shed_reason::pushed_out);
    open_[id_] = row;
    if (waiting_.empty() && in_flight_ < capacity()) {
      guard_.sent(limits_, asked.rank, duration{0}, now_);
      return send(coming.row);
    }
    waiting_.push(coming.row);
    const auto id = id_;
    at(coming.row.deadline, [this, id, row = coming.row] {
      if (!open_.contains(id) || in_engine_.contains(id)) return;
      waiting_.remove(row);
      finish(id, false);
    });
  }

  /// Open-loop arrivals, `per_second` of them on average, until `end`.
  void open_loop(double per_second, asked_of_model asked, steady_time end, std::uint32_t seed) {
    sources_.push_back(
        std::make_unique<source>(source{asked, end, std::mt19937_64{seed}, gap{per_second}}));
    again(*sources_.back());
  }

  /// They finish their batch.
  void lose_instances(std::size_t n) { shape_.instances -= n; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] const overload_guard& guard() const { return guard_; }

 private:
  struct event {
    steady_time when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const event& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  using gap = std::exponential_distribution<double>;
  struct source {
    asked_of_model asked;
    steady_time end;
    std::mt19937_64 random;
    gap seconds;
  };

  void again(source& from) {
    const std::chrono::duration<double> wait{from.seconds(from.random)};
    at(now_ + std::chrono::duration_cast<duration>(wait), [this, &from] {
      if (now_ >= from.end) return;
      ask(from.asked);
      again(from);
    });
  }

  [[nodiscard]] std::size_t capacity() const {
    return 2 * shape_.instances * engine_shape::max_batch;
  }

  void refuse(outcome_of_model& row, shed_reason why) {
    row.refused = why;
    row.ended = now_;
    ended(row);
  }
  void end_unserved(const waiting_row row, shed_reason why) {
    waiting_.remove(row);
    auto gone = open_.at(row.row.value);
    open_.erase(row.row.value);
    refuse(gone, why);
  }
  void finish(std::uint64_t id, bool answered) {
    auto row = open_.at(id);
    open_.erase(id);
    row.ended = now_;
    row.answered = answered && row.latency() <= row.asked.timeout;
    ended(row);
  }
  void spend() {
    while (!waiting_.empty() && in_flight_ < capacity()) {
      const auto front = waiting_.front();
      if (guard_.too_old(limits_, front, now_)) {
        end_unserved(front, shed_reason::queue_age);
      } else if (guard_.too_late(front, now_)) {
        waiting_.remove(front);
        finish(front.row.value, false);
      } else {
        const auto row = waiting_.pop();
        guard_.sent(limits_, row.rank, now_ - row.since, now_);
        send(row);
      }
    }
  }
  void send(const waiting_row& row) {
    ++in_flight_;
    in_engine_[row.row.value] = now_;
    queue_.push_back({row.row.value, now_});
    start_batches();
    at(now_ + shape_.window, [this] { start_batches(); });
  }
  void start_batches() {
    while (running_ < shape_.instances && !queue_.empty() &&
           (queue_.size() >= engine_shape::max_batch ||
            now_ - queue_.front().second >= shape_.window)) {
      std::vector<std::uint64_t> batch;
      for (; !queue_.empty() && batch.size() < engine_shape::max_batch; queue_.pop_front())
        batch.push_back(queue_.front().first);
      ++running_;
      at(now_ + this_step(), [this, batch] { answer(batch); });
    }
  }
  duration this_step() {
    std::uniform_real_distribution<double> factor{0.95, 1.05};
    return std::chrono::duration_cast<duration>(shape_.step * factor(random_));
  }
  void answer(const std::vector<std::uint64_t>& batch) {
    --running_;
    start_batches();
    for (const auto id : batch) {
      --in_flight_;
      guard_.answered(1, now_ - in_engine_.at(id), in_engine_.at(id) > open_.at(id).arrived,
                      !waiting_.empty(), now_);
      in_engine_.erase(id);
      finish(id, true);
      spend();
    }
  }

  engine_shape shape_;
  admission_limits limits_;
  overload_guard guard_;
  waiting_rows waiting_;
  std::unordered_map<std::uint64_t, outcome_of_model> open_;
  std::unordered_map<std::uint64_t, steady_time> in_engine_;
  std::deque<std::pair<std::uint64_t, steady_time>> queue_;
  std::size_t running_ = 0, in_flight_ = 0;
  std::uint64_t id_ = 0, order_ = 0;
  std::priority_queue<event> events_;
  std::vector<std::unique_ptr<source>> sources_;
  std::mt19937_64 random_{5};
  steady_time now_ = start;
};

/// Counts what ended in an interval.
class tally {
 public:
  explicit tally(steady_time from = start, steady_time to = steady_time::max())
      : from_{from}, to_{to} {}

  void add(const outcome_of_model& row) {
    if (row.arrived < from_ || row.arrived >= to_) return;
    if (row.refused) {
      ++refused;
      refusals_.push_back(row.latency());
    } else {
      ++(row.answered ? answered : late);
      admitted_.push_back(row.latency());
    }
  }
  [[nodiscard]] duration admitted_p99() { return p99(admitted_); }
  [[nodiscard]] duration refused_p99() { return p99(refusals_); }
  /// Share of what was asked that was answered.
  [[nodiscard]] double success() const {
    return static_cast<double>(answered) / static_cast<double>(answered + late + refused);
  }

  std::size_t answered = 0, late = 0, refused = 0;

 private:
  static duration p99(std::vector<duration>& all) {
    if (all.empty()) return duration{0};
    const auto at = all.begin() + static_cast<long>(all.size() * 99 / 100);
    std::nth_element(all.begin(), at, all.end());
    return *at;
  }
  steady_time from_, to_;
  std::vector<duration> admitted_, refusals_;
};

}  // namespace coppice::gateway::testing
