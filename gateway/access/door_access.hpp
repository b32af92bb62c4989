#pragma once

#include "gateway/access/access_table.hpp"
#include "keys/zap_judge.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

namespace coppice::gateway {

/// The access table that holds now. That of a file is read again whenever the file changes; one
/// that is wrong changes nothing, and is told of.
class door_access : public zap_judge {
 public:
  /// By passwords. Never changes.
  door_access(user_table users, tenant_table tenants);
  /// By the keys in a file. @error as `allow_list::read` and `access_table::of_keys` have it.
  static expected<std::unique_ptr<door_access>> of_file(std::filesystem::path file,
                                                        tenant_table tenants, quota_table quotas);

  /// Any thread.
  [[nodiscard]] std::shared_ptr<const access_table> table() const;
  /// Grows with every table. Any thread.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] bool asks_for_keys() const noexcept { return !file_.empty(); }

  // zap_judge, on the handler's thread
  [[nodiscard]] std::optional<std::string> by_password(std::string_view name,
                                                       std::string_view password) override;
  [[nodiscard]] std::optional<std::string> by_key(const public_key& key) override;
  /// Looks whether the file has changed.
  void look() override;
  /// Called by `look` after a change: none, or what is wrong with the file. Set it before.
  std::function<void(const std::optional<error>&)> told;

 private:
  /// What changes with a file.
  struct file_mark {
    std::uint64_t inode = 0;
    std::int64_t size = 0, modified_ns = 0;
    friend bool operator==(const file_mark&, const file_mark&) = default;
  };
  door_access(std::filesystem::path file, tenant_table tenants, quota_table quotas)
      : file_{std::move(file)}, tenants_{std::move(tenants)}, quotas_{std::move(quotas)} {}
  [[nodiscard]] file_mark mark() const;
  expected<void> read();

  std::filesystem::path file_;
  tenant_table tenants_;
  quota_table quotas_;
  file_mark seen_;
  std::atomic<std::uint64_t> version_{1};
  mutable std::mutex mutex_;
  std::shared_ptr<const access_table> table_;
};

}  // namespace coppice::gateway
