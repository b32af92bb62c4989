#pragma once

#include "gateway/zap/access_table.hpp"

#include <array>
#include <span>
#include <string_view>

namespace coppice::gateway {

/// Frames of a request by ZAP (https://rfc.zeromq.org/spec/27/): version, request id, domain,
/// address, routing id, mechanism, credentials. Longer messages are refused.
inline constexpr std::size_t max_zap_frames = 9;

/// The answer: version, request id, status code, status text, user id, metadata.
using zap_reply = std::array<std::string_view, 6>;

/// Answers one request: who has a password of a user (PLAIN) or the key of a client (CURVE) is let
/// in under that name; everybody else is refused with 400. Total: any frames give an answer. The
/// answer views `frames` and `access`.
[[nodiscard]] zap_reply answer_zap(std::span<const std::string_view> frames,
                                   const access_table& access, wall_time at);

}  // namespace coppice::gateway
