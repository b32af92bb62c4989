#pragma once

#include "tests/fleet/cluster.hpp"
#include "tests/fleet/part.hpp"
#include "worker/engine/engine_desk.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace coppice::fleet {

/// One process of an engine: a real desk, and what worker/engine/engine.cpp does around it. Its
/// steps take their time, and then it echoes.
class engine_host : private worker::engine_effects {
 public:
  engine_host(cluster& all, std::string name, std::uint32_t model);
  ~engine_host() override;

  [[nodiscard]] incarnation_id incarnation() const { return incarnation_; }
  /// It is ready.
  [[nodiscard]] proto::engine_report ready() const;
  [[nodiscard]] proto::engine_report load() const;
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  void take(std::uint32_t gateway, link_message message);

 private:
  /// A batch under way on an instance; the life of the process outlives it.
  struct step {
    worker::batch ran;
    steady_time began{};
  };

  // engine_effects
  worker::engine_effects& effects() { return *this; }
  bool send(const std::string& gateway, const proto::link_reply& header,
            const worker::item_outputs& outputs) override;
  std::optional<worker::finished_batch> start(std::size_t instance, worker::batch&& next) override;
  void start_step(std::size_t, worker::token_step&&) override {}
  void ignored(const char*) override {}

  template <class Work>
  void on_desk(Work work);
  void carry_out();
  void wake_at(steady_time when);
  void end_step(std::size_t instance);

  cluster& all_;
  std::string name_;
  const worker::model_spec& spec_;
  incarnation_id incarnation_;
  std::string endpoint_;
  std::string link_key_;
  std::uint32_t capacity_;
  /// Rows that it has taken and not answered, by what it was sent and what it sends.
  std::uint32_t rows_ = 0;
  cost spent_;
  std::unique_ptr<worker::engine_desk> desk_;
  std::vector<step> steps_;
  steady_time awake_ = steady_time::max();
  struct outgoing {
    std::uint32_t gateway = 0;
    link_message message;
    bool is_outcome = false;
  };
  std::vector<outgoing> replies_;
  /// Gone when the process is: what was to happen later must not.
  std::shared_ptr<engine_host*> alive_;
};

}  // namespace coppice::fleet
