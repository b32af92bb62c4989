#pragma once

#include "tests/simulation/auditor.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace coppice::simulation {

/// The auditor's books of one engine process: what it took, what it may still start, how many rows
/// it holds. Written from the frames it takes and its effects alone.
class engine_books {
 public:
  explicit engine_books(auditor& all) : all_{all} {}

  /// An attempt is handed to the engine, which takes it unless it `ends` before `handled`.
  void offered(const std::string& gateway, attempt_id id, std::uint64_t number, std::uint32_t model,
               std::uint32_t rows, steady_time deadline);
  /// The message has been handled.
  void handled();
  void told_to_cancel(const std::string& gateway, attempt_id id);
  /// It said hello: what came before over another link is void.
  void met_gateway(const std::string& gateway, steady_time now);
  void heard(const std::string& gateway, steady_time now);
  void lost_gateway(const std::string& gateway);
  [[nodiscard]] bool knows(const std::string& gateway) const { return gateways_.contains(gateway); }
  /// A batch with that attempt begins.
  void starts(const std::string& gateway, attempt_id id, steady_time now);
  /// A step of streams begins with that attempt, which may have begun before; of which gateway, is
  /// not said.
  void steps(attempt_id id, steady_time now);
  /// Answered or refused.
  void ends(const std::string& gateway, attempt_id id);
  /// A tick of the engine is over.
  void ticked(steady_time now);
  /// A turn is over: attempts that the engine counts as open.
  void open_are(std::size_t counted);
  /// What the engine says of `model`. @param exact  it equals what the books say.
  void turned(std::uint32_t model, std::uint32_t queued, std::uint32_t running, bool exact);
  [[nodiscard]] std::uint64_t number_of(const std::string& gateway, attempt_id id) const;

 private:
  struct taken {
    std::uint64_t number = 0;
    std::uint32_t model = 0, rows = 0;
    steady_time deadline;
    bool started = false, dropped = false;
  };
  using key = std::pair<attempt_id, std::string>;
  using open_attempts = std::map<key, taken>;

  [[nodiscard]] static bool may_run(const taken& it, steady_time now);
  void begin(taken& it, steady_time now);
  void erase(open_attempts::iterator at);

  auditor& all_;
  open_attempts open_;
  std::optional<key> offered_;
  std::map<std::uint32_t, std::uint32_t> rows_;
  /// By gateway: when it was heard last.
  std::map<std::string, steady_time> gateways_;
  steady_time last_tick_ = steady_time::max();
};

}  // namespace coppice::simulation
