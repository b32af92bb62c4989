#pragma once

#include "tests/simulation/draws.hpp"
#include "tests/simulation/scenario.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/count_model.hpp"
#include "worker/engine/step_mark.hpp"
#include "worker/engine/token_step.hpp"

#include <optional>
#include <variant>

namespace coppice::simulation {

/// One instance of a model: its steps take their time and then echo, fail, crash or hang as the
/// content says, as worker/engine/step.cpp and the thread around it have it. Of limits there is
/// only the worker's: it is the least that a learned one can be.
class engine_instance {
 public:
  engine_instance(const model_plan& of, worker::progress_page::lane& page)
      : plan_{of}, page_{page}, counter_{of.spec.sequences} {}

  void begin(worker::batch&& next, draws& random, steady_time now);
  void begin(worker::token_step&& next, draws& random, steady_time now);
  [[nodiscard]] const model_plan& plan() const noexcept { return plan_; }
  /// When the step under way ends; `steady_time::max()`: never, or there is none.
  [[nodiscard]] steady_time ends() const noexcept { return ends_; }
  /// Its end is the end of the process.
  [[nodiscard]] bool crashes() const noexcept { return crashes_; }
  /// What has run; nothing while the items of a batch that failed run one by one.
  using result = std::variant<std::monostate, worker::finished_batch, worker::finished_step>;
  [[nodiscard]] result end(draws& random, steady_time now);
  /// The process stood still that long.
  void stood(duration lasted);

 private:
  void begin_step(std::uint32_t rows, duration usual, draws& random, steady_time now);
  [[nodiscard]] bool fails() const;
  void begin_alone(draws& random, steady_time now);
  [[nodiscard]] worker::finished_batch whole(steady_time now);

  const model_plan& plan_;
  worker::progress_page::lane& page_;
  /// Only of a model that streams.
  worker::count_model counter_;
  std::optional<worker::step_mark> mark_;
  worker::batch batch_;
  worker::token_step tokens_;
  /// Of a batch that failed: the item that runs, from 1; 0: all.
  std::size_t alone_ = 0;
  std::uint32_t rows_ = 0;
  steady_time began_{}, step_began_{}, ends_ = steady_time::max();
  bool crashes_ = false;
};

}  // namespace coppice::simulation
