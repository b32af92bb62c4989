#pragma once

#include "base/error.hpp"
#include "keys/key_pair.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// The time of clocks on walls: dates in files are of it, and nothing else.
using wall_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

[[nodiscard]] wall_time wall_now();
/// "2027-01-31T00:00:00Z". Nothing for any other form.
[[nodiscard]] std::optional<wall_time> parse_date(const std::string& text);
[[nodiscard]] std::string date_text(wall_time at);

/// A client that may use the door.
struct allowed_client {
  public_key key;
  std::string tenant;
  /// Names limits in the gateway's configuration; empty: those of its tenant.
  std::string quota;
  /// Nothing: never.
  std::optional<wall_time> expires;

  [[nodiscard]] bool is_valid(wall_time at) const noexcept { return !expires || at < *expires; }
};

/// Whether it does as the name of a client, tenant or quota: 1 to 64 of letters, digits, '.', '_'
/// and '-'.
[[nodiscard]] bool is_account_name(std::string_view name) noexcept;

/// Who may use the doors of a cluster, by name: a YAML file that operators write, by hand or with
/// `coppice keys`, and gateways read again when it changes.
///   clients:
///     NAME: {key: "<Z85>", tenant: NAME, quota: NAME, expires: 2027-01-31T00:00:00Z}
class allow_list {
 public:
  static constexpr std::size_t most_clients = 100'000;

  /// @error `invalid`, as "file:line: problem. remedy."; two names with one key are a problem.
  static expected<allow_list> read(const std::filesystem::path& file);
  /// Replaces the file at once and as a whole. @error `unavailable` with the system's reason.
  [[nodiscard]] expected<void> write(const std::filesystem::path& file) const;

  /// Adds the client, or replaces the one of that name. @error `invalid` if another has that key.
  expected<void> allow(const std::string& name, allowed_client client);
  /// @returns whether there was one of that name.
  bool revoke(const std::string& name) { return clients_.erase(name) > 0; }

  [[nodiscard]] const std::map<std::string, allowed_client, std::less<>>& clients() const noexcept {
    return clients_;
  }

 private:
  std::map<std::string, allowed_client, std::less<>> clients_;
};

}  // namespace coppice
