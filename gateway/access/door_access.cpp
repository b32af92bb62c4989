#include "gateway/access/door_access.hpp"

#include <sys/stat.h>

namespace coppice::gateway {

door_access::door_access(user_table users, tenant_table tenants)
    : table_{std::make_shared<const access_table>(std::move(users), std::move(tenants))} {}

expected<std::unique_ptr<door_access>> door_access::of_file(std::filesystem::path file,
                                                            tenant_table tenants,
                                                            quota_table quotas) {
  std::unique_ptr<door_access> access{
      new door_access{std::move(file), std::move(tenants), std::move(quotas)}};
  access->seen_ = access->mark();
  if (auto good = access->read(); !good) return tl::unexpected(good.error());
  return access;
}

std::shared_ptr<const access_table> door_access::table() const {
  const std::lock_guard lock{mutex_};
  return table_;
}

door_access::file_mark door_access::mark() const {
  struct stat found {};
  if (::stat(file_.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size,
          found.st_mtim.tv_sec * std::int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
}

expected<void> door_access::read() {
  const auto list = allow_list::read(file_);
  if (!list) return tl::unexpected(list.error());
  auto table = access_table::of_keys(*list, tenants_, quotas_);
  if (!table) return fail(errc::invalid, file_.string() + ": " + table.error().message);
  const std::lock_guard lock{mutex_};
  table_ = std::make_shared<const access_table>(std::move(*table));
  ++version_;
  return {};
}

namespace {

std::optional<std::string> owned(std::optional<std::string_view> name) {
  return name ? std::optional{std::string{*name}} : std::nullopt;
}

}  // namespace

std::optional<std::string> door_access::by_password(std::string_view name,
                                                    std::string_view password) {
  return owned(table()->by_password(name, password));
}

std::optional<std::string> door_access::by_key(const public_key& key) {
  return owned(table()->by_key(key, wall_now()));
}

void door_access::look() {
  if (file_.empty()) return;
  const auto found = mark();
  if (found == seen_) return;
  seen_ = found;
  const auto good = read();
  if (told) told(good ? std::nullopt : std::optional{good.error()});
}

}  // namespace coppice::gateway
