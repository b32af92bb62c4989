#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>

namespace coppice::actors {

/// Whether something accepts TCP connections at `host:port` (a numeric address or a name).
/// Blocks its caller for at most `limit` beyond name resolution.
/// @error `unavailable` with the system's reason.
expected<void> tcp_probe(const std::string& host, std::uint16_t port, duration limit);

}  // namespace coppice::actors
