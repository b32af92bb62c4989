#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::gateway {

struct user {
  /// 1 to 255 bytes.
  std::string password;
  std::string tenant;

  friend bool operator==(const user&, const user&) = default;
};

/// Who may use the client door, by name.
using user_table = std::map<std::string, user, std::less<>>;

/// The name of the user with that password; nothing if there is none. Takes the same time whether
/// the name or the password is wrong, and wherever the password is.
[[nodiscard]] std::optional<std::string_view> authenticate(const user_table& users,
                                                           std::string_view name,
                                                           std::string_view password);

}  // namespace coppice::gateway
