#pragma once

#include <string_view>

namespace coppice::gateway {

/// Whether other machines may reach a ZeroMQ endpoint.
[[nodiscard]] constexpr bool beyond_loopback(std::string_view endpoint) noexcept {
  return endpoint.starts_with("tcp://") && !endpoint.starts_with("tcp://127.") &&
         !endpoint.starts_with("tcp://localhost") && !endpoint.starts_with("tcp://[::1]");
}

}  // namespace coppice::gateway
