#include "gateway/access/users.hpp"

#include <cstddef>

namespace coppice::gateway {

namespace {

/// ZMTP carries at most that many bytes of a password.
constexpr std::size_t longest = 255;

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
}

bool same_secret(std::string_view given, std::string_view right) {
  volatile unsigned difference = given.size() == right.size() ? 0 : 1;
  for (std::size_t i = 0; i < longest; ++i)
    difference = difference | (byte_at(given, i) ^ byte_at(right, i));
  return difference == 0;
}

}  // namespace

std::optional<std::string_view> authenticate(const user_table& users, std::string_view name,
                                             std::string_view password) {
  static const user nobody;
  const auto known = users.find(name);
  const auto& claimed = known == users.end() ? nobody : known->second;
  const bool same = same_secret(password, claimed.password);
  if (!same || known == users.end()) return std::nullopt;
  return known->first;
}

}  // namespace coppice::gateway
