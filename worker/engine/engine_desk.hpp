#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "worker/engine/served_batches.hpp"
#include "worker/engine/served_streams.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::worker {

struct desk_options {
  incarnation_id incarnation;
  /// What a gateway must show in its `hello`.
  std::string link_key;
  /// Models to serve, checked.
  std::vector<model_spec> specs;
  /// Bytes of inputs of accepted attempts; beyond it attempts are refused.
  std::size_t max_bytes = std::size_t{1} << 30;
  /// Silence after which a gateway's waiting attempts are dropped; gateways ping once a second.
  duration gateway_silence = 3s;
};

/// The decisions of one engine: who may speak to it, what it accepts, what runs when, what is
/// answered. Pure: time comes in as an argument, the world is `engine_effects`. One thread.
///
/// Fencing: a gateway is heard after a `hello` that names this incarnation and its link key; a
/// message for another incarnation has no effect.
///
/// A suspect (`alone`) runs while nothing else runs on the engine. While one waits, nothing starts;
/// once every instance is idle it has its step; then the others have a turn before the next
/// suspect. So it waits for one step of the others at most, and they for one of a suspect's. A
/// suspect that streams does so for each of its tokens.
class engine_desk {
 public:
  /// `effects` outlives the desk.
  engine_desk(desk_options options, engine_effects& effects);

  void on_message(const std::string& gateway, const proto::link_request& request,
                  const shared_frames& frames, steady_time now);
  /// The batch that `engine_effects::start` was given has run.
  void on_batch(std::size_t instance, finished_batch&& done, steady_time now);
  /// The step that `engine_effects::start_step` was given has run.
  void on_step(std::size_t instance, finished_step&& done, steady_time now);
  /// After the messages that came at once, at `next_event`, and at least every 100 ms.
  void on_tick(steady_time now);
  /// Refuses what waits and what comes; what runs may end.
  void on_stop(steady_time now);

  /// When `on_tick` is due if nothing else happens before; `steady_time::max()` for never.
  [[nodiscard]] steady_time next_event(steady_time now) const;
  /// Whether some instance runs a step.
  [[nodiscard]] bool running() const;
  /// Attempts accepted and not yet answered.
  [[nodiscard]] std::uint32_t open_attempts() const noexcept { return open_.count(); }
  [[nodiscard]] std::vector<proto::model_card> cards() const;
  [[nodiscard]] std::vector<proto::model_load> loads() const;

 private:
  void take(const std::string& gateway, const proto::link_request& request,
            const shared_frames& frames, steady_time now);
  void welcome(const std::string& gateway, const proto::link_request& hello, steady_time now);
  void accept(const std::string& gateway, const proto::link_request& request,
              const shared_frames& frames, steady_time now);
  void cancel(const std::string& gateway, attempt_id id, steady_time now);
  void open_window(const std::string& gateway, const proto::link_request& request);
  void add(const model_spec& spec);
  /// A step has ended on that instance; `tell` says what came of it.
  template <class Tell>
  void go_on(std::size_t instance, steady_time now, Tell tell);
  void start_work(steady_time now);
  /// The model whose suspect has waited longest, or null.
  [[nodiscard]] served_model* next_suspect(steady_time now) const;
  /// Whether others than suspects may start.
  [[nodiscard]] bool is_open(steady_time now) const;
  void drop_silent_gateways(steady_time now);
  void drop_gone_gateways();
  void drop_attempts_of(const std::string& gateway);
  [[nodiscard]] served_model* find(const std::string& model, std::uint32_t version) const;

  desk_options options_;
  engine_effects& effects_;
  outbox out_;
  worker::open_attempts open_;
  std::vector<std::unique_ptr<served_model>> models_;
  /// The model of each instance: one of the two.
  struct instance_owner {
    served_batches* batches = nullptr;
    served_streams* streams = nullptr;
  };
  std::vector<instance_owner> instances_;
  /// When each gateway was last heard. Bounded by the gateways that were granted the link key.
  std::unordered_map<std::string, steady_time> gateways_;
  /// The instance that runs a suspect's step.
  std::optional<std::size_t> alone_on_;
  /// A suspect has had its turn.
  bool others_first_ = false;
  bool stopping_ = false;
  steady_time last_tick_ = steady_time::max();
};

}  // namespace coppice::worker
