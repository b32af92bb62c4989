#include "tests/fleet/books.hpp"

#include <algorithm>

namespace coppice::fleet {

namespace {

/// How late an outcome may be.
constexpr duration grace = 50ms;
/// One attempt of so many may be refused by an engine that is full.
constexpr std::uint64_t refused_one_of = 100;

std::string name_of(const request_name& which) {
  return "request " + std::to_string(which.number) + " of client " + std::to_string(which.client) +
         " at gateway " + std::to_string(which.gateway + 1);
}

}  // namespace

void books::broken(const std::string& invariant, const std::string& what) {
  auto& found = breaches_[invariant];
  if (found.times++ == 0) found.first = what;
}

void books::asked(const request_name& which, steady_time now, steady_time deadline) {
  ++asked_;
  open_.emplace(which, open_request{now, deadline});
}

void books::ended(const request_name& which, const std::string& code, bool right, steady_time now) {
  const auto found = open_.find(which);
  if (found == open_.end()) return broken("one outcome", name_of(which) + " ended twice");
  const auto [at, deadline] = found->second;
  open_.erase(found);
  if (now > deadline + grace) broken("deadline", name_of(which) + " ended late");
  if (!code.empty()) return broken("success", name_of(which) + " ended in " + code);
  if (!right) return broken("right answer", name_of(which) + " got the answer to another");
  ++succeeded_;
  if (measured_) latencies_us_.push_back(static_cast<std::uint32_t>(to_us(now - at)));
}

void books::holds(const std::string& engine, std::uint32_t rows, std::uint32_t capacity) {
  if (rows > capacity)
    broken("capacity",
           engine + " holds " + std::to_string(rows) + " rows of " + std::to_string(capacity));
}

void books::finish() {
  for (const auto& [which, request] : open_) broken("one outcome", name_of(which) + " has none");
  if (refused_ * refused_one_of > attempts_)
    broken("refusals", std::to_string(refused_) + " of " + std::to_string(attempts_) +
                           " attempts were refused");
}

double books::latency_us(double share) {
  if (latencies_us_.empty()) return 0;
  const auto at =
      latencies_us_.begin() +
      static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies_us_.size() - 1));
  std::nth_element(latencies_us_.begin(), at, latencies_us_.end());
  return *at;
}

}  // namespace coppice::fleet
