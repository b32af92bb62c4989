#pragma once

#include "gateway/admission/tenant.hpp"

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coppice::gateway {

/// The tenants that one shard knows. A tenant is made when it first comes and may be forgotten when
/// it is idle and room is needed, which loses nothing: it comes back as it would have been.
/// Invariant: at most `capacity` tenants. O(1). One thread.
class tenant_book {
 public:
  static constexpr std::size_t most_tenants = 10'000;

  explicit tenant_book(tenant_table table, std::size_t capacity = most_tenants)
      : table_{std::move(table)}, capacity_{capacity} {}
  tenant_book(const tenant_book&) = delete;
  tenant_book& operator=(const tenant_book&) = delete;

  /// The account of that tenant. It stays where it is while the tenant has something open.
  /// @returns null if the book is full of tenants that are not idle.
  [[nodiscard]] tenant* find(std::string_view name, steady_time now);
  /// Other limits hold from now on. An account keeps its rates where its limits stay the same.
  void limit(tenant_table table, steady_time now);
  [[nodiscard]] std::size_t size() const noexcept { return accounts_.size(); }

 private:
  /// Longest ago used first. The index's keys are the names in it.
  using account_list = std::list<tenant>;

  [[nodiscard]] bool make_room(steady_time now);

  tenant_table table_;
  std::size_t capacity_;
  account_list accounts_;
  std::unordered_map<std::string_view, account_list::iterator> index_;
  std::uint64_t made_ = 0;
};

}  // namespace coppice::gateway
