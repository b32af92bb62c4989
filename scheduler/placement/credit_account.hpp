#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::scheduler {

/// One version of one model on one incarnation: what credit is for.
struct credit_key {
  incarnation_id incarnation;
  std::string model;
  std::uint32_t version = 0;
  friend bool operator==(const credit_key&, const credit_key&) = default;
};

struct credit_key_hash {
  std::size_t operator()(const credit_key& key) const noexcept {
    return std::hash<incarnation_id>{}(key.incarnation) ^ std::hash<std::string>{}(key.model) ^
           key.version;
  }
};

/// Who holds how many rows of credit. A shard's account is what its last `place` listed plus what
/// it was granted since; it lapses `ttl` after that `place`. Soft state: an engine enforces its
/// own capacity, so an account that is wrong costs one refusal.
class credit_account {
 public:
  explicit credit_account(duration ttl) : ttl_{ttl} {}

  /// Replaces what `shard` ("gateway/index") holds.
  void replace(const std::string& shard, const std::vector<proto::holding>& holdings,
               steady_time now);
  /// Adds a grant to the shard's account; `replace` must have opened it.
  void add(const std::string& shard, const credit_key& key, std::uint32_t rows);

  [[nodiscard]] std::uint32_t held(const credit_key& key) const;
  [[nodiscard]] std::uint32_t held_by(const std::string& shard, const credit_key& key) const;
  /// Shards whose account has not lapsed.
  [[nodiscard]] std::size_t live_shards() const noexcept { return shards_.size(); }

  void forget(incarnation_id incarnation);
  void forget_gateway(const std::string& gateway);
  /// Drops lapsed accounts.
  void expire(steady_time now);

 private:
  using rows_by_key = std::unordered_map<credit_key, std::uint32_t, credit_key_hash>;
  struct shard_account {
    steady_time renewed;
    rows_by_key rows;
  };
  void take_back(const rows_by_key& rows);

  duration ttl_;
  std::unordered_map<std::string, shard_account> shards_;
  rows_by_key total_;
};

}  // namespace coppice::scheduler
