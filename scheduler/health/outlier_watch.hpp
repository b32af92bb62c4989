#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::scheduler {

struct outlier_limits {
  /// Attempts that fail in a row; more are needed where the others fail too.
  std::uint32_t failures = 3;
  /// Replies that make a mean latency.
  std::uint32_t replies = 20;
  /// Shortest time over which a mean is taken.
  duration sample = 1s;
  /// A mean is compared for this long.
  duration valid = 60s;
  /// Means apart by this factor and by at least `excess` are outliers.
  double slower = 3;
  duration excess = 5ms;
};

/// Compares the engines that serve the same version of a model, by what gateways report of their
/// attempts. An engine is an outlier if its attempts fail in a row while those of others succeed
/// (so rarely by chance, given how often the others fail, that it is once in 1e9), or if its mean
/// latency is, twice in a row, over three times the median of the others' although it answers no
/// more than they do: an engine that answers more is busy, and busy is no fault; one that stood
/// still for a moment goes on. Refusals count nothing.
/// The caller reports only incarnations it knows and forgets those that end: that is the bound.
class outlier_watch {
 public:
  explicit outlier_watch(outlier_limits limits = {}) : limits_{limits} {}

  /// @returns whether `outlier` may say something new of that incarnation.
  bool report(const proto::holding& seen, steady_time now);
  void forget(incarnation_id engine);
  /// Why it is one, as a sentence; nothing if it is none.
  [[nodiscard]] std::optional<std::string> outlier(incarnation_id engine, steady_time now) const;
  /// Its last attempts failed where those of others succeed (by chance once in 1e3).
  [[nodiscard]] bool doubtful(incarnation_id engine, steady_time now) const;

 private:
  /// Outcomes of the last five to ten seconds.
  struct recent_outcomes {
    std::uint64_t completed = 0, failed = 0, earlier_completed = 0, earlier_failed = 0;
    steady_time began{};
    void add(const proto::holding& seen, steady_time now);
  };
  struct mean {
    double us = 0, per_second = 0;
    steady_time at{};
  };
  struct track {
    std::uint64_t failed_in_a_row = 0;
    recent_outcomes recent;
    /// Since `began`: the end of the last mean, or the first report.
    std::uint64_t replies = 0, latency_us = 0;
    std::optional<steady_time> began;
    std::optional<mean> latency, before;
  };
  using tracks = std::unordered_map<incarnation_id, track>;

  bool take_latency(track& of, const proto::holding& seen, steady_time now) const;
  [[nodiscard]] static double chance(const tracks& all, incarnation_id engine, steady_time now);
  [[nodiscard]] std::optional<std::string> slow(const tracks& all, incarnation_id engine,
                                                const std::string& model, steady_time now) const;

  outlier_limits limits_;
  std::map<std::pair<std::string, std::uint32_t>, tracks> models_;
};

}  // namespace coppice::scheduler
