#pragma once

#include "worker/engine/batch_times.hpp"
#include "worker/engine/load_counts.hpp"
#include "worker/engine/sequence_slots.hpp"
#include "worker/engine/served_model.hpp"

#include <cstddef>

namespace coppice::worker {

/// A model that streams tokens (op `generate`), on one instance. Its capacity is its slots: what is
/// accepted begins with the next step.
class served_streams : public served_model {
 public:
  served_streams(model_spec spec, std::size_t instance, engine_parts parts);

  void take(const std::string& gateway, const proto::link_request& request,
            const shared_frames& frames, steady_time now) override;
  bool cancel(const std::string& gateway, attempt_id id, steady_time now) override;
  void drop_gateway(const std::string& gateway) override;
  void refuse_waiting(const error& why) override;
  void expire(steady_time now) override;
  void start_ready(steady_time now) override;
  [[nodiscard]] std::optional<steady_time> suspect_since(steady_time now) const override;
  std::optional<std::size_t> start_suspect(steady_time now) override;
  [[nodiscard]] bool running() const override { return slots_.stepping(); }
  [[nodiscard]] std::optional<steady_time> next_event(bool may_start) const override;
  [[nodiscard]] proto::model_load load() const override;

  /// That many more chunks of the stream may be sent. No such stream: nothing happens.
  void open_window(const std::string& gateway, attempt_id id, std::uint32_t chunks);
  /// The instance is idle again and the tokens are in their streams; `send_parts` comes next.
  void finished(const finished_step& done, steady_time now);
  /// Sends the chunks and outcomes that are due.
  void send_parts();

 private:
  void send_last(sequence_part&& part);

  engine_parts parts_;
  std::size_t instance_;
  sequence_slots slots_;
  load_counts counts_;
  /// Of whole sequences, as steps of one row.
  batch_times times_;
};

}  // namespace coppice::worker
