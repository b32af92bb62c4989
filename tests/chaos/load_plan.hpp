#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::chaos {

/// One kind of request in a load.
struct request_kind {
  std::string model;
  /// Share of the load, relative to the other kinds.
  double weight = 1;
  /// Size of the input.
  std::size_t bytes = 64;
  std::uint32_t timeout_ms = 5000;
  /// Of the model, a msgpack map; empty: none.
  std::string parameters;
  std::string priority_class = "normal";
};

/// A stretch of the load with one rate, requests a second.
struct load_phase {
  double seconds = 0;
  double rate = 0;
};

/// What one load process does: an open loop, so that a slow answer delays no later request.
struct load_plan {
  /// Through the client library, which changes gateways; else by a plain DEALER, which does not.
  bool library = false;
  std::vector<std::string> endpoints;
  /// PLAIN user of the DEALER, whose password is the same; empty: none.
  std::string user;
  /// Of the library: the file of its own key pair; empty: one that nobody knows.
  std::string key_file;
  std::string log_file;
  std::uint64_t seed = 1;
  std::vector<load_phase> phases;
  /// Even arrivals instead of Poisson's.
  bool even = false;
  /// Requests that the process will not exceed.
  std::uint64_t limit = 10'000'000;
  std::vector<request_kind> mix;
};

/// @throws std::exception with what is wrong in the file.
load_plan read_plan(const std::string& file);

/// When each request leaves and of which kind it is: the whole plan, drawn from its seed.
class arrivals {
 public:
  arrivals(const load_plan& plan, steady_time start);

  /// When the next request leaves; `steady_time::max()`: there is none.
  [[nodiscard]] steady_time next_due() const noexcept { return due_; }
  /// Takes the next request and draws the one after it. @returns its kind.
  const request_kind& take();

 private:
  std::uint64_t draw();
  void advance();

  const load_plan& plan_;
  std::uint64_t state_;
  std::uint64_t taken_ = 0;
  std::size_t phase_ = 0;
  steady_time phase_end_;
  steady_time due_;
};

/// The input of a request, from the seed of its client and its number.
std::string made_input(std::uint64_t seed, std::uint64_t number, std::size_t bytes);

}  // namespace coppice::chaos
