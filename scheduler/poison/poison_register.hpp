#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::scheduler {

struct poison_limits {
  duration trial = 10s;
  duration convicted = 10min;
  duration cleared = 60s;
  /// Fingerprints that are remembered; the oldest goes for a new one.
  std::size_t fingerprints = 10'000;
  /// Gateways that wait for their turn to try one fingerprint.
  std::size_t waiting = 64;
};

/// Finds out which content kills engines. Content that was running when an engine crashed is tried
/// alone, by one gateway at a time: an engine that dies of it then convicts it, and nothing else
/// does, however many crashes an innocent shared a batch in. A trial that its gateway does not end
/// in time, or does not live to end, goes to the next gateway that reported the same content.
/// Every judgement returned is for every gateway.
class poison_register {
 public:
  explicit poison_register(poison_limits limits = {}) : limits_{limits} {}

  std::vector<proto::judgement> suspect(const proto::suspicion& told, steady_time now);
  /// Nothing where the trial was somebody else's and convicts nobody.
  std::optional<proto::judgement> tried(const proto::trial_result& told, steady_time now);
  /// Its trials go to gateways that wait for them.
  std::vector<proto::judgement> gateway_gone(const std::string& gateway, steady_time now);
  /// Drops what has lapsed; trials go on as above. At least once a second.
  std::vector<proto::judgement> turn(steady_time now);
  /// What holds now, for a gateway that is new.
  [[nodiscard]] std::vector<proto::judgement> live(steady_time now) const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    proto::fingerprint of;
    std::string verdict;
    /// Who tries it, and who would next; empty unless in trial.
    std::string gateway;
    std::vector<std::string> waiting;
    steady_time lapses;
  };
  using entries = std::list<entry>;

  proto::judgement judge(const proto::fingerprint& of, std::string_view verdict, steady_time now);
  proto::judgement suspect_one(const proto::fingerprint& of, const std::string& gateway,
                               steady_time now);
  std::optional<proto::judgement> pass_on(entries::iterator trial, steady_time now);
  [[nodiscard]] static proto::judgement told(const entry& each, steady_time now);
  [[nodiscard]] duration lifetime(std::string_view verdict) const;
  void drop(entries::iterator each);

  poison_limits limits_;
  /// The longest judged first.
  entries entries_;
  std::unordered_map<proto::fingerprint, entries::iterator> by_fingerprint_;
};

}  // namespace coppice::scheduler
