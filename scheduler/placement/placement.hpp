#pragma once

#include "base/clock.hpp"
#include "proto/messages/control.hpp"
#include "scheduler/placement/credit_account.hpp"
#include "scheduler/placement/engine_table.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace coppice::scheduler {

/// Turns demand into grants: this is where a request is placed. Each row of a want goes to the
/// engine with the least predicted finish that has room by the account; a shard that asks for a
/// model is granted spare credit up to its fair share, so that its next requests need no asking.
/// While another shard lacks what is its share, none gets more than its own. One that wants nothing
/// more gets what spreads it evenly.
class placement {
 public:
  explicit placement(duration credit_ttl) : ttl_{credit_ttl}, account_{credit_ttl} {}

  [[nodiscard]] proto::place_reply place(const engine_table& engines,
                                         const proto::place_request& request, steady_time now);
  /// Rows that all shards together hold.
  [[nodiscard]] std::uint32_t held(const credit_key& key) const { return account_.held(key); }
  void forget(incarnation_id incarnation) { account_.forget(incarnation); }
  void forget_gateway(const std::string& gateway) { account_.forget_gateway(gateway); }

 private:
  struct slot;
  using engine_list = std::vector<incarnation_id>;
  /// Shards that did not get what they wanted though they hold less than their share, and when.
  using lacking_shards = std::map<std::string, steady_time>;
  [[nodiscard]] std::vector<slot> slots_for(const engine_table& engines, const proto::want& want,
                                            const engine_list& unreachable) const;
  [[nodiscard]] std::uint32_t fair_rows(const std::vector<slot>& slots) const;
  [[nodiscard]] lacking_shards& shards_that_lack(const proto::want& want, steady_time now);
  [[nodiscard]] std::uint32_t rows_of(const std::vector<slot>& slots,
                                      const std::string& shard) const;
  void level(std::vector<slot>& slots, const std::string& shard) const;
  void grant_rows(const std::vector<slot>& slots, const std::string& shard, const proto::want& want,
                  proto::place_reply& out);
  void place_want(const engine_table& engines, const proto::place_request& request,
                  const std::string& shard, const proto::want& want, proto::place_reply& out,
                  steady_time now);

  duration ttl_;
  credit_account account_;
  /// By model and version.
  std::map<std::pair<std::string, std::uint32_t>, lacking_shards> lacking_;
};

}  // namespace coppice::scheduler
