#pragma once

#include "base/ids.hpp"
#include "gateway/shard/door.hpp"
#include "tests/fleet/books.hpp"
#include "tests/fleet/plan.hpp"
#include "tests/fleet/timeline.hpp"
#include "tests/fleet/traffic.hpp"
#include "tests/simulation/draws.hpp"
#include "worker/model/model_spec.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::fleet {

class engine_host;
class gateway_host;
class node_host;
class scheduler_host;

/// Header and frames of a message on an engine link.
struct link_message {
  std::string header;
  gateway::frame_list frames;
};

/// A whole cluster in one thread and in virtual time: real shards, place books, cluster views,
/// rosters and engine desks, and every message between them through the codec. Processes take no
/// virtual time for what they do, and nothing is lost between them: faults are the simulator's
/// business (docs/simulation.md), numbers are this one's.
class cluster {
 public:
  explicit cluster(const plan& of);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  /// Starts it and lets the load settle; what was counted until then is forgotten.
  void start();
  /// The time that is measured.
  void measure();
  /// The load ends; then nothing may be open, and no credit held.
  void finish();

  // --- for hosts ---
  [[nodiscard]] const plan& of() const { return plan_; }
  [[nodiscard]] timeline& time() { return time_; }
  [[nodiscard]] steady_time now() const { return time_.now(); }
  [[nodiscard]] simulation::draws& random() { return random_; }
  [[nodiscard]] books& audit() { return books_; }
  [[nodiscard]] traffic& sent() { return traffic_; }
  [[nodiscard]] const worker::model_spec& spec(std::uint32_t model) const { return specs_[model]; }
  /// Whether clients ask now.
  [[nodiscard]] bool is_loaded() const { return loaded_; }

  void to_engine(incarnation_id which, std::uint32_t gateway, link_message message);
  void to_gateway(std::uint32_t which, link_message message);
  void engine_is_up(incarnation_id which, engine_host& engine) { engines_[which] = &engine; }
  void engine_is_gone(incarnation_id which, const std::string& endpoint);

  [[nodiscard]] std::vector<std::unique_ptr<gateway_host>>& gateways() { return gateways_; }
  [[nodiscard]] std::vector<std::unique_ptr<scheduler_host>>& schedulers() { return schedulers_; }

 private:
  void plan_deaths();
  void look_for_credit();

  plan plan_;
  timeline time_;
  simulation::draws random_;
  books books_;
  traffic traffic_;
  bool loaded_ = false;
  std::vector<worker::model_spec> specs_;
  std::unordered_map<incarnation_id, engine_host*> engines_;
  std::vector<std::unique_ptr<scheduler_host>> schedulers_;
  std::vector<std::unique_ptr<gateway_host>> gateways_;
  std::vector<std::unique_ptr<node_host>> nodes_;
};

}  // namespace coppice::fleet
