#include "gateway/access/access_table.hpp"

namespace coppice::gateway {

namespace {

expected<void> apply_quota(tenant_table& tenants, std::map<std::string, std::string>& quota_of,
                           const std::string& name, const allowed_client& client,
                           const quota_table& quotas) {
  const auto [known, fresh] = quota_of.try_emplace(client.tenant, client.quota);
  if (!fresh && known->second != client.quota)
    return fail(errc::invalid, "Clients of the tenant '" + client.tenant +
                                   "' name different quotas. Give all of them the same.");
  if (client.quota.empty() || !fresh) return {};
  const auto limits = quotas.find(client.quota);
  if (limits == quotas.end())
    return fail(errc::invalid, "'" + name + "' names the quota '" + client.quota +
                                   "', which the gateway's 'quotas' do not have.");
  tenants.named[client.tenant] = limits->second;
  return {};
}

}  // namespace

access_table::access_table(user_table users, tenant_table tenants)
    : users_{std::move(users)}, tenants_{std::move(tenants)} {
  for (const auto& [name, each] : users_) members_[name] = {each.tenant, std::nullopt};
}

expected<access_table> access_table::of_keys(const allow_list& clients, tenant_table tenants,
                                             const quota_table& quotas) {
  access_table table{std::move(tenants)};
  std::map<std::string, std::string> quota_of;
  for (const auto& [name, client] : clients.clients()) {
    if (auto good = apply_quota(table.tenants_, quota_of, name, client, quotas); !good)
      return tl::unexpected(good.error());
    table.names_[client.key] = name;
    table.members_[name] = {client.tenant, client.expires};
  }
  return table;
}

std::optional<std::string_view> access_table::by_password(std::string_view name,
                                                          std::string_view password) const {
  return authenticate(users_, name, password);
}

std::optional<std::string_view> access_table::by_key(const public_key& key, wall_time at) const {
  const auto found = names_.find(key);
  if (found == names_.end() || tenant_of(found->second, at).empty()) return std::nullopt;
  return found->second;
}

std::string_view access_table::tenant_of(std::string_view name, wall_time at) const {
  const auto found = members_.find(name);
  if (found == members_.end()) return {};
  const auto& [tenant, expires] = found->second;
  return expires && at >= *expires ? std::string_view{} : std::string_view{tenant};
}

}  // namespace coppice::gateway
