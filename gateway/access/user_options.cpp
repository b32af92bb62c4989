#include "gateway/access/user_options.hpp"

#include "base/private_file.hpp"
#include "gateway/admission/tenant_options.hpp"

namespace coppice::gateway {

namespace {

constexpr std::size_t longest_password = 255;

expected<user> read_user(config_map map, const std::string& name) {
  user known{{}, name};
  map.optional("password", known.password, "a text").optional("tenant", known.tenant, "a name");
  if (map.has("tenant") && !is_account_name(known.tenant))
    map.reject("tenant", "a tenant's name has 1 to 64 letters, digits, '.', '_' and '-'");
  if (auto done = map.finish(); !done) return tl::unexpected(done.error());
  return known;
}

}  // namespace

expected<user_table> read_users(config_map users) {
  user_table table;
  for (const auto& name : users.keys()) {
    const auto known = read_user(users.section(name), name);
    if (!known) return tl::unexpected(known.error());
    if (!is_account_name(name))
      users.reject(name, "a user's name has 1 to 64 letters, digits, '.', '_' and '-'");
    if (known->password.empty() || known->password.size() > longest_password)
      users.reject(name, "user '" + name + "' needs a 'password' of 1 to 255 bytes");
    table[name] = *known;
  }
  if (auto done = users.finish(); !done) return tl::unexpected(done.error());
  return table;
}

expected<user_table> read_users(const std::filesystem::path& file) {
  auto map = config_map::read(file);
  if (!map) return tl::unexpected(map.error());
  if (auto closed = check_private(file, "these passwords"); !closed)
    return tl::unexpected(closed.error());
  return read_users(std::move(*map));
}

}  // namespace coppice::gateway
