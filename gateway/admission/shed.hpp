#pragma once

#include "base/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coppice::gateway {

/// Why a request was refused before any work, or taken out of the queue for a more urgent one.
enum class shed_reason : std::uint8_t {
  quota,
  bytes,
  slow_client,
  queue_full,
  tenant_share,
  deadline,
  queue_age,
  pushed_out,
};

inline constexpr std::array<std::string_view, 8> shed_reason_names{
    "quota",        "bytes",    "slow_client", "queue_full",
    "tenant_share", "deadline", "queue_age",   "pushed_out"};

/// The name of the reason as a label of `coppice_gateway_shed_total`.
[[nodiscard]] constexpr std::string_view name_of(shed_reason reason) noexcept {
  return shed_reason_names[static_cast<std::size_t>(reason)];
}

/// A refusal: what the client is told, and what is counted.
struct shed {
  shed_reason reason = shed_reason::queue_full;
  error why;
};

}  // namespace coppice::gateway
