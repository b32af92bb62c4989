#pragma once

#include "base/clock.hpp"
#include "proto/messages/explanation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::gateway {

/// Cuts a request's time into hops that add up to it: boundaries are rounded, never lengths.
class flight_hops {
 public:
  explicit flight_hops(steady_time arrived) : arrived_{arrived} {}

  /// Everything since the last hop until `until` was `what`; nothing if that was no time
  /// and there is nothing to say of it.
  void add(std::string what, steady_time until, std::string where = {}, std::string text = {});
  /// The attempt whose answer came at `ended`, cut by the engine's own times.
  void add_answer(steady_time ended, const std::string& where, std::uint64_t batch_us,
                  std::uint64_t compute_us, std::string batch);
  /// @returns the hops; more than `proto::max_hops` are summed up in the last.
  [[nodiscard]] std::vector<proto::hop> take() &&;

 private:
  void push(std::string what, std::uint64_t us, std::string where, std::string text);

  steady_time arrived_;
  std::uint64_t done_us_ = 0;
  std::vector<proto::hop> hops_;
};

}  // namespace coppice::gateway
