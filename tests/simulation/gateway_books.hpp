#pragma once

#include "gateway/shard/shard.hpp"
#include "tests/simulation/auditor.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::simulation {

/// The auditor's books of one gateway process: what it was asked, what it sent, what it answered.
/// Written from the frames it takes and its effects alone.
class gateway_books {
 public:
  /// `rows` are those of the gateway's shard.
  gateway_books(auditor& all, const gateway::ledger& rows) : all_{all}, rows_{rows} {}

  /// A request came in at the door; it is handled until `handled`.
  void asked(std::uint64_t number, const std::string& tenant, steady_time deadline,
             steady_time now);
  /// A frame of an engine is handled, until `handled`.
  void frame(const proto::link_reply& header);
  /// @param alone  no other request is in its step.
  void sent(std::uint64_t number, attempt_id attempt, incarnation_id to, bool gone, bool alone,
            steady_time now);
  void cancelled(attempt_id attempt);
  void link_opened(incarnation_id incarnation) {
    down_.erase(incarnation);
    silent_.erase(incarnation);
  }
  void granted(incarnation_id incarnation) { silent_.erase(incarnation); }
  void link_closed(incarnation_id incarnation, steady_time now);
  /// The gateway was told that an engine ended, or is silent.
  void told_down(const proto::engine_down& down, steady_time now);
  /// A content that was suspected did no harm.
  void cleared() { suspected_.clear(); }
  /// The gateway has said that it sends it nothing new, until then.
  void drains(incarnation_id incarnation, steady_time until) { drained_[incarnation] = until; }
  /// A part of a stream goes to its client.
  void streamed(std::uint64_t number);
  /// A final reply to a request goes to its client. @param code  empty: a result.
  void answered(std::uint64_t number, const std::string& code);
  /// There was no room for one: the client hears nothing of it, and the row is closed.
  void dropped(std::uint64_t number, const std::string& code);
  /// So many bytes of replies wait for `clients`, after one was sent.
  void unread(std::size_t bytes, std::size_t clients);
  void placed(const proto::place_request& demand) { held_ = demand.holdings.size(); }
  /// A call of the shard has returned.
  void handled(steady_time now);
  /// The shard's tick has returned.
  void ticked(steady_time now);
  /// The run is over.
  void finish();
  /// The request that an attempt is of; 0: none.
  [[nodiscard]] std::uint64_t number_of(attempt_id attempt) const {
    const auto found = attempts_.find(attempt);
    return found == attempts_.end() ? 0 : found->second.number;
  }

 private:
  struct ask {
    std::uint32_t asked = 0, answered = 0;
    /// Of its row, the last one: attempts, and whether an engine has answered with a result.
    std::uint32_t attempts = 0;
    bool open = false, has_result = false;
    /// Its client was given a result, or would have been if there had been room.
    bool has_outcome = false;
    std::string tenant;
    steady_time deadline;
  };
  struct sent_attempt {
    std::uint64_t number = 0;
    incarnation_id incarnation;
    bool live = false;
    /// When it went with its link.
    std::optional<steady_time> lost;
  };
  /// What a tenant has used, by its limits.
  struct account {
    std::size_t open = 0;
    double tokens = 0;
    steady_time filled{};
    bool known = false;
  };
  /// Retries that a model may have, by its budget.
  struct allowance {
    double tokens = 0;
    steady_time filled{};
    bool known = false;
  };
  void note_accepted();
  [[nodiscard]] bool has_live_attempt(std::uint64_t number) const;
  void check_budgets(steady_time now);
  void take_retry(std::uint64_t number, steady_time now);
  void close(std::uint64_t number, const std::string& code);
  void check_tenant(const ask& it, std::uint64_t number);
  void check_fence(std::uint64_t number);
  void check_suspected(std::uint64_t number, steady_time now);
  [[nodiscard]] std::uint64_t content_of(std::uint64_t number) const;
  void check_cancelled(std::uint64_t number);

  auditor& all_;
  const gateway::ledger& rows_;
  std::unordered_map<std::uint64_t, ask> asks_;
  std::set<std::pair<steady_time, std::uint64_t>> open_;
  std::unordered_map<attempt_id, sent_attempt> attempts_;
  /// Attempts that may be live, by request: more than one only if it is hedged.
  std::unordered_multimap<std::uint64_t, attempt_id> live_;
  std::map<std::string, account> accounts_;
  /// The request that is handled, and when; 0: none.
  std::uint64_t asking_ = 0;
  steady_time asking_at_{};
  /// The frame that is handled.
  attempt_id current_;
  bool current_was_live_ = false;
  std::map<std::uint32_t, allowance> allowances_;
  /// Their attempts went with a link, no worker has said why, and they have not gone on yet.
  std::vector<std::uint64_t> unexplained_;
  /// Answered in this call.
  std::vector<std::uint64_t> just_answered_;
  /// Ended, or silent and not granted since, by what the gateway was told since it opened a link.
  std::set<incarnation_id> down_, silent_;
  /// Of whose end or silence it was ever told.
  std::set<incarnation_id> told_of_;
  /// Contents that a worker named among those that ran when its engine died, and when.
  std::map<std::uint64_t, steady_time> suspected_;
  /// Of whose silence it is told in this call.
  incarnation_id just_silent_;
  std::map<incarnation_id, steady_time> drained_;
  std::uint64_t last_accepted_ = 0;
  /// Holdings in the last `place`.
  std::size_t held_ = 0;
};

}  // namespace coppice::simulation
