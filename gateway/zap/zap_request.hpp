#pragma once

#include "gateway/zap/users.hpp"

#include <array>
#include <span>
#include <string_view>

namespace coppice::gateway {

/// Frames of a request by ZAP (https://rfc.zeromq.org/spec/27/): version, request id, domain,
/// address, routing id, mechanism, credentials. Longer messages are refused.
inline constexpr std::size_t max_zap_frames = 9;

/// The answer: version, request id, status code, status text, user id, metadata.
using zap_reply = std::array<std::string_view, 6>;

/// Answers one request. NULL is let in as tenant `anonymous`; PLAIN as the tenant of the user with
/// that password; everything else is refused with 400. Total: any frames give an answer. The answer
/// views `frames` and `users`.
[[nodiscard]] zap_reply answer_zap(std::span<const std::string_view> frames,
                                   const user_table& users);

}  // namespace coppice::gateway
