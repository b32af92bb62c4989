#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace coppice::fleet {

/// One request as its client knows it.
struct request_name {
  std::uint32_t gateway = 0, client = 0;
  /// Of the client, from 1.
  std::uint64_t number = 0;
  friend auto operator<=>(const request_name&, const request_name&) = default;
};

/// What a fleet promises, checked from outside: by frames and counts, not by asking the classes
/// that decide. Remembers the first breach of each invariant, and how often it was broken.
class books {
 public:
  void asked(const request_name& which, steady_time now, steady_time deadline);
  /// @param code  empty: it succeeded. @param right  the answer is the request's.
  void ended(const request_name& which, const std::string& code, bool right, steady_time now);
  /// An engine holds so many rows.
  void holds(const std::string& engine, std::uint32_t rows, std::uint32_t capacity);
  void attempted() { ++attempts_; }
  void refused() { ++refused_; }
  void broken(const std::string& invariant, const std::string& what);
  /// Nothing is asked any more and every deadline is over.
  void finish();
  /// From now on latencies are kept.
  void begin_measuring() { latencies_us_.clear(), measured_ = true; }

  struct breach {
    std::string first;
    std::uint64_t times = 0;
  };
  [[nodiscard]] const std::map<std::string, breach>& breaches() const { return breaches_; }
  [[nodiscard]] std::uint64_t asked() const { return asked_; }
  [[nodiscard]] std::uint64_t succeeded() const { return succeeded_; }
  [[nodiscard]] std::uint64_t attempts() const { return attempts_; }
  [[nodiscard]] std::uint64_t refusals() const { return refused_; }
  /// Of requests that succeeded while it was measured, in virtual time. @param share  0 to 1.
  [[nodiscard]] double latency_us(double share);

 private:
  struct open_request {
    steady_time at, deadline;
  };
  std::map<request_name, open_request> open_;
  std::map<std::string, breach> breaches_;
  std::vector<std::uint32_t> latencies_us_;
  bool measured_ = false;
  std::uint64_t asked_ = 0, succeeded_ = 0, attempts_ = 0, refused_ = 0;
};

}  // namespace coppice::fleet
