#include "scheduler/placement/credit_account.hpp"

namespace coppice::scheduler {

void credit_account::take_back(const rows_by_key& rows) {
  for (const auto& [key, n] : rows) {
    const auto total = total_.find(key);
    if (total == total_.end()) continue;
    if (total->second <= n)
      total_.erase(total);
    else
      total->second -= n;
  }
}

void credit_account::replace(const std::string& shard, const std::vector<proto::holding>& holdings,
                             steady_time now) {
  auto& account = shards_[shard];
  take_back(account.rows);
  account.renewed = now;
  account.rows.clear();
  for (const auto& holding : holdings)
    if (holding.rows > 0)
      add(shard, {holding.incarnation, holding.model, holding.version}, holding.rows);
}

void credit_account::add(const std::string& shard, const credit_key& key, std::uint32_t rows) {
  shards_[shard].rows[key] += rows;
  total_[key] += rows;
}

std::uint32_t credit_account::held(const credit_key& key) const {
  const auto found = total_.find(key);
  return found == total_.end() ? 0 : found->second;
}

std::uint32_t credit_account::held_by(const std::string& shard, const credit_key& key) const {
  const auto account = shards_.find(shard);
  if (account == shards_.end()) return 0;
  const auto found = account->second.rows.find(key);
  return found == account->second.rows.end() ? 0 : found->second;
}

void credit_account::forget(incarnation_id incarnation) {
  const auto of_it = [&](const auto& entry) { return entry.first.incarnation == incarnation; };
  std::erase_if(total_, of_it);
  for (auto& [shard, account] : shards_) std::erase_if(account.rows, of_it);
}

void credit_account::forget_gateway(const std::string& gateway) {
  std::erase_if(shards_, [&](const auto& entry) {
    if (!entry.first.starts_with(gateway + "/")) return false;
    take_back(entry.second.rows);
    return true;
  });
}

void credit_account::expire(steady_time now) {
  std::erase_if(shards_, [&](const auto& entry) {
    if (now - entry.second.renewed < ttl_) return false;
    take_back(entry.second.rows);
    return true;
  });
}

}  // namespace coppice::scheduler
