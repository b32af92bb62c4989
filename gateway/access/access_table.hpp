#pragma once

#include "gateway/access/users.hpp"
#include "gateway/admission/tenant_limits.hpp"
#include "keys/allow_list.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coppice::gateway {

/// Limits that keys may name, beside those of tenants.
using quota_table = std::map<std::string, tenant_limits, std::less<>>;

/// Who may use the client door, and as which tenant: users with passwords, or clients with keys.
/// Never changes; another takes its place. libzmq gives every message of a connection the name by
/// which its handshake was answered (`User-Id`), so that a name can be looked up again at any time.
class access_table {
 public:
  /// Users may not differ from tenants in limits of their own.
  access_table(user_table users, tenant_table tenants);
  /// @error `invalid`: a client names a quota that there is not, or a tenant has two of them.
  static expected<access_table> of_keys(const allow_list& clients, tenant_table tenants,
                                        const quota_table& quotas);

  /// The name of who has that password or key; nothing: not to be let in.
  [[nodiscard]] std::optional<std::string_view> by_password(std::string_view name,
                                                            std::string_view password) const;
  [[nodiscard]] std::optional<std::string_view> by_key(const public_key& key, wall_time at) const;

  /// The tenant of whom a handshake named; empty if that may not, or no longer. O(1).
  [[nodiscard]] std::string_view tenant_of(std::string_view name, wall_time at) const;

  /// The limits of every tenant.
  [[nodiscard]] const tenant_table& tenants() const noexcept { return tenants_; }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

 private:
  struct member {
    std::string tenant;
    std::optional<wall_time> expires;
  };
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  explicit access_table(tenant_table tenants) : tenants_{std::move(tenants)} {}

  user_table users_;
  std::map<public_key, std::string> names_;
  std::unordered_map<std::string, member, text_hash, std::equal_to<>> members_;
  tenant_table tenants_;
};

}  // namespace coppice::gateway
