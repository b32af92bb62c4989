#pragma once

#include "base/error.hpp"
#include "gateway/shard/client_address.hpp"
#include "proto/messages/client.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <vector>

namespace coppice::gateway {

using frame_list = std::vector<zmq::message_t>;

/// A client's message after the door: header decoded and checked, tensors untouched.
struct client_request {
  client_address from;
  /// Who pays: the user that the connection authenticated as.
  std::string tenant;
  proto::request header;
  /// Frames behind the header.
  frame_list frames;
  /// Bytes of header and frames; of an admitted stream, with those of the tokens it may grow to.
  std::size_t bytes = 0;
};

/// What the door refuses, with what it could read of the header so that the reply reaches its
/// asker.
struct refused_request {
  client_address from;
  proto::raw_value id;
  error why;
};

/// Splits a ROUTER message into envelope, header and frames, decodes and checks the header.
/// Total: any frames give a request or a refusal.
tl::expected<client_request, refused_request> open_message(frame_list&& message);

/// Splits off envelope and header. @returns the number of frames they take; the header is the
/// last of them. 0 if there is no header.
std::size_t read_envelope(const frame_list& message, client_address& from);

/// Checks what the door can without the model: frames used exactly once and in bounds, shapes
/// that do not overflow, sizes that fit fixed-size datatypes.
expected<void> check_tensors(const proto::request& header, const frame_list& frames);

}  // namespace coppice::gateway
