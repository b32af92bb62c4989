#pragma once

#include "base/clock.hpp"

#include <cstdint>

namespace coppice::gateway {

/// Tokens that are earned and taken; never more than `cap` of them.
class token_count {
 public:
  constexpr explicit token_count(double cap) noexcept : cap_{cap}, held_{cap} {}
  void earn(double tokens) noexcept { held_ = held_ + tokens < cap_ ? held_ + tokens : cap_; }
  [[nodiscard]] bool has_one() const noexcept { return held_ >= 1; }
  void take_one() noexcept { held_ -= 1; }

 private:
  double cap_;
  double held_;
};

struct retry_budget_options {
  /// Tokens earned by a request that succeeds.
  double per_success = 0.1;
  /// Retries a second that need no success: a model that fails altogether is still tried.
  double floor_per_second = 3;
  /// Whatever is earned, charged retries stay below `per_request * requests + burst`
  /// + the floor. With these numbers that is at most a tenth of the requests in any window that
  /// has at least 1,000 of them and 100 a second.
  double per_request = 0.05;
  double burst = 15;
  /// No retries while more than this share of the requests is shed.
  double shed_share = 0.05;
};

/// How many retries a gateway may add to a model's load. One per model; one thread.
/// Invariant: see `per_request`. O(1), no allocation.
class retry_budget {
 public:
  explicit retry_budget(const retry_budget_options& options = {}) noexcept;

  /// A request was accepted.
  void admitted(steady_time now) noexcept;
  /// A request was refused because there is too much work.
  void shed(steady_time now) noexcept;
  /// A request succeeded.
  void succeeded() noexcept { earned_.earn(options_.per_success); }
  /// Takes a token for one charged retry. @returns false if there is none.
  [[nodiscard]] bool take(steady_time now) noexcept;
  /// More than `shed_share` of the requests of the last one to two seconds were shed.
  [[nodiscard]] bool is_shedding(steady_time now) noexcept;

 private:
  struct asked {
    std::uint64_t requests = 0;
    std::uint64_t shed = 0;
  };
  void turn(steady_time now) noexcept;

  static constexpr duration window = 1s;
  retry_budget_options options_;
  token_count earned_;
  token_count floor_;
  token_count allowed_;
  steady_time filled_{};
  /// The window that began then, and the one before it.
  steady_time began_{};
  asked now_, before_;
};

}  // namespace coppice::gateway
