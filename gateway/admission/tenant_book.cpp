#include "gateway/admission/tenant_book.hpp"

namespace coppice::gateway {

tenant* tenant_book::find(std::string_view name, steady_time now) {
  if (const auto found = index_.find(name); found != index_.end()) {
    accounts_.splice(accounts_.end(), accounts_, found->second);
    return &accounts_.back();
  }
  if (accounts_.size() >= capacity_ && !make_room(now)) return nullptr;
  auto& made = accounts_.emplace_back(tenant_id{++made_}, std::string{name}, table_.of(name), now);
  index_[made.name()] = std::prev(accounts_.end());
  return &made;
}

void tenant_book::limit(tenant_table table, steady_time now) {
  for (auto& each : accounts_)
    if (const auto& limits = table.of(each.name()); limits != table_.of(each.name()))
      each.limit(limits, now);
  table_ = std::move(table);
}

/// Forgets one idle tenant, among the few that were not used for longest.
bool tenant_book::make_room(steady_time now) {
  constexpr int tries = 8;
  for (int i = 0; i < tries && !accounts_.empty(); ++i) {
    if (accounts_.front().idle(now)) {
      index_.erase(accounts_.front().name());
      accounts_.pop_front();
      return true;
    }
    accounts_.splice(accounts_.end(), accounts_, accounts_.begin());
  }
  return false;
}

}  // namespace coppice::gateway
