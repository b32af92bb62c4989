#pragma once

#include "tests/simulation/auditor.hpp"

#include <map>
#include <string>
#include <utility>

namespace coppice::simulation {

/// The auditor's books of one engine process: what it took, what it may still start, how many rows
/// it holds.
class engine_books {
 public:
  explicit engine_books(auditor& all) : all_{all} {}

  void took(const std::string& gateway, attempt_id id, std::uint64_t number, std::uint32_t model,
            std::uint32_t rows, steady_time deadline);
  void told_to_cancel(const std::string& gateway, attempt_id id);
  void lost_gateway(const std::string& gateway);
  void starts(const std::string& gateway, attempt_id id, steady_time now);
  /// Answered, dropped or refused after it was taken.
  void ends(const std::string& gateway, attempt_id id);
  /// A turn is over: what the queue of `model` says of itself.
  void turned(std::uint32_t model, std::uint32_t queued, std::uint32_t running);

 private:
  struct taken {
    std::uint64_t number = 0;
    std::uint32_t model = 0, rows = 0;
    steady_time deadline;
    bool started = false, dropped = false;
  };
  using key = std::pair<attempt_id, std::string>;

  auditor& all_;
  std::map<key, taken> open_;
  std::map<std::uint32_t, std::uint32_t> rows_;
};

}  // namespace coppice::simulation
