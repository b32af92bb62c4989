#pragma once

#include "worker/engine/attempt_queue.hpp"
#include "worker/engine/load_counts.hpp"
#include "worker/engine/served_model.hpp"

#include <cstddef>
#include <vector>

namespace coppice::worker {

/// A model that answers each attempt at once, in batches (op `infer`).
class served_batches : public served_model {
 public:
  /// Its instances are `first_instance` and those behind it, `instance_count(spec)` of them.
  served_batches(model_spec spec, std::size_t first_instance, engine_parts parts);

  void take(const std::string& gateway, const proto::link_request& request,
            const shared_frames& frames, steady_time now) override;
  bool cancel(const std::string& gateway, attempt_id id, steady_time now) override;
  void drop_gateway(const std::string& gateway) override;
  void refuse_waiting(const error& why) override;
  void expire(steady_time now) override;
  void start_ready(steady_time now) override;
  [[nodiscard]] std::optional<steady_time> suspect_since(steady_time now) const override;
  std::optional<std::size_t> start_suspect(steady_time now) override;
  [[nodiscard]] bool running() const override { return queue_.running_rows() > 0; }
  [[nodiscard]] std::optional<steady_time> next_event(bool may_start) const override;
  [[nodiscard]] proto::model_load load() const override;

  /// The instance is idle again and the batch in the figures; `answer` comes next.
  void finished(std::size_t instance, const finished_batch& done);
  void answer(finished_batch&& done);

 private:
  /// Room for one more, in rows and in bytes.
  [[nodiscard]] bool enqueue(attempt&& taken, steady_time now);
  void end(const attempt& of, const expected<item_outputs>& outcome, const attempt_run& run = {});
  void close(const attempt& ended);
  /// The lowest idle instance, or nothing.
  [[nodiscard]] std::optional<std::size_t> idle_instance() const;
  /// @returns whether the batch still runs.
  bool start(std::size_t instance, batch&& next);

  engine_parts parts_;
  std::size_t first_instance_;
  /// Of each instance, whether it runs a batch.
  std::vector<bool> busy_;
  attempt_queue queue_;
  load_counts counts_;
};

}  // namespace coppice::worker
