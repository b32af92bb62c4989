#pragma once

#include "client/client.hpp"
#include "client/session.hpp"

namespace coppice::client {

/// The public forms of requests and results, and those of a session. Deadlines count from now.
[[nodiscard]] open_request as_open(infer_request&& request);
/// Without its `stream`.
[[nodiscard]] open_request as_open(generate_request&& request);
[[nodiscard]] infer_result as_infer_result(answer_parts&& reply);
/// From the last reply of a stream.
[[nodiscard]] generate_result as_generate_result(answer_parts&& reply);

}  // namespace coppice::client
