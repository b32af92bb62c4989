#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace coppice {

/// A 64-bit number that is only equal to its own kind. 0 means "none".
template <class Tag>
struct strong_id {
  std::uint64_t value = 0;
  constexpr explicit operator bool() const noexcept { return value != 0; }
  friend constexpr auto operator<=>(const strong_id&, const strong_id&) = default;
};

/// Random number of one engine process start; a link belongs to an incarnation.
using incarnation_id = strong_id<struct incarnation_tag>;
/// One try of a request on one engine; unique within a gateway process.
using attempt_id = strong_id<struct attempt_tag>;
/// Key of a ledger row: slot index in the low 32 bits, generation (never 0) in the high ones.
using row_id = strong_id<struct row_tag>;

}  // namespace coppice

template <class Tag>
struct std::hash<coppice::strong_id<Tag>> {
  std::size_t operator()(const coppice::strong_id<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.value * 0x9E3779B97F4A7C15ull);
  }
};
