#pragma once

#include "keys/zap_judge.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace coppice {

/// Frames of a request by ZAP (https://rfc.zeromq.org/spec/27/): version, request id, domain,
/// address, routing id, mechanism, credentials. Longer messages are refused.
inline constexpr std::size_t max_zap_frames = 9;

/// The answer: version, request id, status code, status text, user id, metadata.
using zap_reply = std::array<std::string, 6>;

/// Answers one request: whom the judge knows by a password (PLAIN) or a key (CURVE) is let in under
/// that name; everybody else is refused with 400. Total: any frames give an answer.
[[nodiscard]] zap_reply answer_zap(std::span<const std::string_view> frames, zap_judge& judge);

}  // namespace coppice
