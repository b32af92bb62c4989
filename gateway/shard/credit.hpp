#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"

#include <algorithm>
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
  /// Which spending of the purse was its last.
  std::uint64_t spent = 0;
  std::uint32_t completed = 0, failed = 0, refused = 0;
  /// Sum over the completed.
  duration latency{0};
};

/// The credit of one route. Credit is spent where the fewest rows are in flight, of equal ones
/// where none was spent for longest; it comes back with replies. Rows that were idle in all lines
/// together for their time to live lapse, though each line was used in its turn: a shard with
/// little traffic does not sit on capacity that others wait for.
class credit_purse {
 public:
  void grant(const proto::grant& grant, steady_time now);
  /// The line to spend `rows` from, already charged; null if no line has that many.
  credit_line* spend(std::uint32_t rows) {
    return spend(rows, [](incarnation_id) { return true; });
  }
  /// The same among the lines of incarnations that `may` lets through.
  template <class May>
  credit_line* spend(std::uint32_t rows, const May& may) {
    credit_line* best = nullptr;
    std::uint32_t idle = 0;
    for (auto& line : lines_) {
      idle += line.idle;
      if (line.idle >= rows && (best == nullptr || before(line, *best)) && may(line.incarnation))
        best = &line;
    }
    if (best == nullptr) return nullptr;
    spare_ = std::min(spare_, idle - rows);
    best->spent = ++spendings_;
    best->idle -= rows;
    best->in_flight += rows;
    return best;
  }
  /// Whether `may` lets some line's incarnation through.
  template <class May>
  [[nodiscard]] bool any(const May& may) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const credit_line& line) { return may(line.incarnation); });
  }
  /// `rows` in flight were answered; `returned` of them may be sent again.
  void give_back(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows,
                 std::uint32_t returned);
  /// An attempt was answered, and its engine took `took`: what the scheduler hears of the engine.
  void ended(incarnation_id incarnation, std::uint32_t version, bool completed, duration took);
  /// The engine said it is full: what it granted is void.
  void refused(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows);
  void forget(incarnation_id incarnation);
  /// Nothing more is to be sent there.
  void drop_idle(incarnation_id incarnation);
  /// @returns whether idle credit was dropped, or a line is used up: the scheduler's account of it
  ///          is too high.
  bool lapse(steady_time now);

  [[nodiscard]] std::uint32_t idle() const noexcept;
  [[nodiscard]] std::uint32_t in_flight() const noexcept;
  [[nodiscard]] std::uint32_t in_flight(incarnation_id incarnation) const noexcept;
  /// Calls `use` with each incarnation that has rows in flight, once for each of its versions.
  template <class Use>
  void each_in_flight(const Use& use) const {
    for (const auto& line : lines_)
      if (line.in_flight > 0) use(line.incarnation);
  }
  /// Appends what is held, for a `place`, and resets what was counted since the last.
  void report(const std::string& model, std::vector<proto::holding>& out);
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

 private:
  credit_line* find(incarnation_id incarnation, std::uint32_t version) noexcept;
  void drop(std::uint32_t rows);
  static bool before(const credit_line& a, const credit_line& b) noexcept {
    return a.in_flight != b.in_flight ? a.in_flight < b.in_flight : a.spent < b.spent;
  }

  std::vector<credit_line> lines_;
  std::uint64_t spendings_ = 0;
  /// Rows that no line needed since the last lapse, and when they lapse.
  std::uint32_t spare_ = 0;
  steady_time lapses_{};
  duration ttl_{0};
};

}  // namespace coppice::gateway
