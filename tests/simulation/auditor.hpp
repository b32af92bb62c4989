#pragma once

#include "tests/simulation/scenario.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coppice::simulation {

/// What must hold at every moment of every run.
enum class invariant : std::uint8_t {
  conservation,   ///< accepted = completed + failed + cancelled + expired + open
  one_outcome,    ///< exactly one final outcome for each request
  right_answer,   ///< the answer of what was asked
  fencing,        ///< nothing of a fenced attempt reaches a client; what is dropped never starts
  capacity,       ///< an engine never holds more rows than it may
  amplification,  ///< attempts <= 1.10 x requests
  memory,         ///< admitted bytes within the cap
  deadline,       ///< an outcome by the deadline + 50 ms; nothing starts behind its deadline
  cancelling,     ///< an attempt that nobody waits for is cancelled
  at_most_once,   ///< such a request starts at most once
  credit,         ///< credit comes back
  detection,      ///< a silent node is dead soon
  isolation,      ///< a tenant stays within its limits
  draining,       ///< nothing new goes to an engine whose drain was acknowledged
  poison,         ///< two deaths for a content; no innocent is convicted
  planned,        ///< stops and drains alone fail no request
  recovery,       ///< after the faults everything works again
};
[[nodiscard]] const char* invariant_name(invariant which);

/// A broken invariant.
struct breach {
  invariant which = invariant::conservation;
  std::string what;
  /// The request it is about; 0: none.
  std::uint64_t request = 0;
};

/// Sees what clients see, what gateways send and what engines start, and judges. Keeps the first
/// breach.
class auditor {
 public:
  explicit auditor(const scenario& of);

  void found(invariant which, std::string what, std::uint64_t request = 0);
  [[nodiscard]] const std::optional<breach>& first() const noexcept { return first_; }

  /// A client was asked to send request `number` (1 and up, an index into the scenario's plus 1).
  void submitted(std::uint64_t number);
  /// The client's outcome. @param code  empty: success.  @param late  how long after its deadline,
  /// by the client's clock; zero if the client itself was frozen since then.
  void outcome(std::uint64_t number, const std::string& code, bool right, duration late);
  /// Its client died: nobody waits.
  void abandoned(std::uint64_t number);

  void accepted() { ++accepted_; }
  void attempt_sent(std::uint64_t number);
  void attempt_refused() { ++refused_; }
  /// A request's attempt died with its engine.
  void attempt_lost(std::uint64_t number);
  void attempt_starts(std::uint64_t number);
  /// Its worker has given it up, or has brought it up (again).
  void quarantined(std::uint32_t node, std::uint32_t engine, bool given_up);
  /// An engine has been up since then; nothing: it ended.
  void up_since(std::uint32_t node, std::uint32_t engine, std::optional<duration> since);
  /// An engine runs a batch with a bad content in it again, row by row.
  void runs_row_by_row(const model_plan& model, duration at);
  /// Some engine that serves the model has been up since then.
  [[nodiscard]] bool was_up(std::uint32_t model, duration since) const;
  /// Some engine that serves the model has not been given up.
  [[nodiscard]] bool can_be_served(std::uint32_t model) const;

  /// The run is over, and has been quiet for a while.
  void finish();

  [[nodiscard]] const request_plan& plan(std::uint64_t number) const {
    return of_.requests[number - 1];
  }
  /// Its client has one.
  [[nodiscard]] bool has_outcome(std::uint64_t number) const {
    return records_[number].outcomes > 0;
  }
  [[nodiscard]] bool is_request(std::uint64_t number) const {
    return number > 0 && number <= of_.requests.size();
  }
  [[nodiscard]] const scenario& of() const noexcept { return of_; }

  struct totals {
    std::uint64_t submitted = 0, succeeded = 0, failed = 0, abandoned = 0;
    std::uint64_t accepted = 0, attempts = 0, refused = 0, free_retries = 0;
    /// Failed requests by code.
    std::map<std::string, std::uint64_t> codes;
  };
  [[nodiscard]] totals counts() const;

 private:
  struct record {
    bool submitted = false, abandoned = false, ok = false, free_retry = false;
    std::uint32_t outcomes = 0, starts = 0, lost = 0;
    std::string code;
  };
  template <class Predicate>
  [[nodiscard]] bool any_engine(std::uint32_t model, Predicate predicate) const;
  void check_innocent(std::uint64_t number, const record& of);
  void check_contents();
  void check_calm(std::uint64_t number, const record& of);
  void check_amplification();

  const scenario& of_;
  std::vector<record> records_;
  struct engine_record {
    bool given_up = false;
    std::optional<duration> up_since;
  };
  /// By node.
  std::vector<std::vector<engine_record>> engines_;
  /// How often contents that end their engines were started.
  std::map<std::uint64_t, std::uint32_t> starts_of_;
  /// Models of which a batch ran row by row when all should be calm.
  std::set<const model_plan*> held_up_;
  std::uint64_t accepted_ = 0, attempts_ = 0, refused_ = 0, free_retries_ = 0;
  std::optional<breach> first_;
};

}  // namespace coppice::simulation
