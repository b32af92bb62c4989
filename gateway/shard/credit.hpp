#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/retry/circuit_breaker.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <vector>

namespace coppice::gateway {

/// Credit that a shard holds for one model on one incarnation.
struct credit_line {
  incarnation_id incarnation;
  std::uint32_t version = 0;
  /// Rows it may still send.
  std::uint32_t idle = 0;
  /// Rows sent and not answered.
  std::uint32_t in_flight = 0;
  /// When idle credit lapses.
  steady_time lapses{};
  duration ttl{0};
  std::uint32_t completed = 0, failed = 0, refused = 0;
};

/// Where credit may be spent now.
struct spend_rules {
  const circuit_breakers& breakers;
  /// Where the row's last attempt failed: used only if nobody else may be; none: 0.
  incarnation_id avoid{};
  steady_time now{};
};

/// The credit of one route. Credit is spent where the fewest rows are in flight; it comes back
/// with replies and lapses when it stays idle for its time to live.
class credit_purse {
 public:
  void grant(const proto::grant& grant, steady_time now);
  /// The line to spend `rows` from, already charged; null if no line has that many.
  credit_line* spend(std::uint32_t rows);
  /// The same, where the rules allow it. While the breaker of every engine is open, one attempt at
  /// a time still goes out: a model is never left without an engine.
  credit_line* spend(std::uint32_t rows, const spend_rules& rules);
  /// `rows` in flight were answered; `returned` of them may be sent again.
  void give_back(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows,
                 std::uint32_t returned, steady_time now);
  /// The engine said it is full: what it granted is void.
  void refused(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows);
  void forget(incarnation_id incarnation);
  /// @returns whether idle credit was dropped.
  bool lapse(steady_time now);

  [[nodiscard]] std::uint32_t idle() const noexcept;
  [[nodiscard]] std::uint32_t in_flight() const noexcept;
  /// Appends what is held, for a `place`, and resets what was counted since the last.
  void report(const std::string& model, std::vector<proto::holding>& out);
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

 private:
  credit_line* find(incarnation_id incarnation, std::uint32_t version) noexcept;
  static credit_line* charge(credit_line* line, std::uint32_t rows) noexcept;

  std::vector<credit_line> lines_;
};

}  // namespace coppice::gateway
