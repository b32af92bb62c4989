#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound on input from outside, in one place. docs/protocol.md quotes these numbers.
namespace coppice::proto {

inline constexpr std::uint32_t protocol_version = 1;

/// Largest msgpack header, bytes; without the tokens of `emitted`.
inline constexpr std::size_t max_header_bytes = 64 * 1024;
/// Largest number of tensor frames behind a header.
inline constexpr std::size_t max_frames = 64;
/// Largest single frame, bytes (also ZMQ_MAXMSGSIZE at the door).
inline constexpr std::size_t max_frame_bytes = 64u * 1024 * 1024;
/// Largest sum of frames of one request, bytes.
inline constexpr std::size_t max_request_bytes = 64u * 1024 * 1024;
/// Largest tensor rank.
inline constexpr std::size_t max_rank = 8;
/// Largest number of elements of one tensor.
inline constexpr std::uint64_t max_elements = 64ull * 1024 * 1024;
/// Deepest nesting of a header.
inline constexpr std::size_t max_depth = 12;
/// Longest name of a model, tensor or session, bytes.
inline constexpr std::size_t max_name_bytes = 256;
/// Longest client id, as msgpack, bytes.
inline constexpr std::size_t max_id_bytes = 256;
/// Longest list in a header (inputs, outputs, ...).
inline constexpr std::size_t max_list = 4096;

/// A message of so many bytes holds up a link: its engine announces it.
inline constexpr std::size_t large_message_bytes = std::size_t{1} << 20;
/// Longest list of engines that a gateway says it does not reach.
inline constexpr std::size_t max_unreachable = 256;

/// Longest stream, tokens.
inline constexpr std::uint32_t max_stream_tokens = 100'000;
/// Largest chunk of a stream on a link, tokens.
inline constexpr std::uint32_t max_chunk_tokens = 4096;
/// Longest prompt of `generate`, tokens.
inline constexpr std::uint32_t max_prompt_tokens = 8192;
/// Largest header of a client, bytes: with the tokens that a stream has already sent, as a bin.
inline constexpr std::size_t max_request_header_bytes =
    max_header_bytes + 4 * std::size_t{max_stream_tokens} + 5;
/// Largest header on a link, bytes: a client's, and what the link adds.
inline constexpr std::size_t max_link_header_bytes = max_request_header_bytes + 8192;

inline constexpr std::uint32_t default_timeout_ms = 30'000;
inline constexpr std::uint32_t max_timeout_ms = 3'600'000;

/// Largest desired state of one node, bytes of its msgpack form: two of them fit a CAF message.
inline constexpr std::size_t max_desired_bytes = 16 * 1024;
/// Longest path of a model repository, bytes.
inline constexpr std::size_t max_path_bytes = 4096;

/// Largest CAF message, bytes of its msgpack form.
inline constexpr std::size_t max_control_bytes = 64 * 1024;

}  // namespace coppice::proto
