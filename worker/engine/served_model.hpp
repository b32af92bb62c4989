#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/engine/open_attempts.hpp"
#include "worker/engine/outbox.hpp"
#include "worker/model/model_spec.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace coppice::worker {

/// What the models of one engine share. All of it outlives them.
struct engine_parts {
  engine_effects& effects;
  outbox& out;
  open_attempts& open;
};

/// One version of one model on an engine: the attempts it has accepted, until each is answered, and
/// its figures. Pure: the desk passes messages and the time in.
class served_model {
 public:
  explicit served_model(model_spec spec) : spec_{std::move(spec)} {}
  virtual ~served_model() = default;
  served_model(const served_model&) = delete;
  served_model& operator=(const served_model&) = delete;

  [[nodiscard]] const model_spec& spec() const noexcept { return spec_; }

  /// Accepts the attempt (of the spec's op) or answers it: invalid, or beyond the capacity.
  virtual void take(const std::string& gateway, const proto::link_request& request,
                    const shared_frames& frames, steady_time now) = 0;
  /// Ends the attempt if it is here and has not begun. @returns whether it was here.
  virtual bool cancel(const std::string& gateway, attempt_id id, steady_time now) = 0;
  /// Nobody waits any more for what that gateway asked.
  virtual void drop_gateway(const std::string& gateway) = 0;
  /// Hands back what waits: the engine stops.
  virtual void refuse_waiting(const error& why) = 0;
  /// Ends what waits beyond its deadline.
  virtual void expire(steady_time now) = 0;

  /// Starts what may start on idle instances; no suspect.
  virtual void start_ready(steady_time now) = 0;
  /// Since when the suspect that waited longest has waited; nothing if none may start.
  [[nodiscard]] virtual std::optional<steady_time> suspect_since(steady_time now) const = 0;
  /// Starts that suspect, while nothing runs on the engine. @returns its instance, or nothing if
  /// it took no time and is over.
  virtual std::optional<std::size_t> start_suspect(steady_time now) = 0;
  /// Whether an instance runs a step.
  [[nodiscard]] virtual bool running() const = 0;
  /// When something is due if nothing else happens before. @param may_start  whether what becomes
  /// ready may start.
  [[nodiscard]] virtual std::optional<steady_time> next_event(bool may_start) const = 0;
  /// Load, and totals since the start.
  [[nodiscard]] virtual proto::model_load load() const = 0;

 private:
  model_spec spec_;
};

/// How many instances an engine has of a model.
[[nodiscard]] std::size_t instance_count(const model_spec& spec);
/// Whether its steps take no time: they run on the link thread, on one instance.
[[nodiscard]] bool runs_in_line(const model_spec& spec);
/// Time until the request's deadline, at most what a client may ask for.
[[nodiscard]] duration time_left(const proto::link_request& request);

}  // namespace coppice::worker
