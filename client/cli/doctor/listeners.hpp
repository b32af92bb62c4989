#pragma once

#include <cstdint>
#include <map>
#include <string_view>

namespace coppice::cli::doctor {

/// Sockets that listen, as /proc/net/tcp and tcp6 tell: inode by port.
[[nodiscard]] std::map<std::uint16_t, std::uint64_t> listening(std::string_view table);

}  // namespace coppice::cli::doctor
