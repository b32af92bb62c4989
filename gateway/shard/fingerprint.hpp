#pragma once

#include "gateway/shard/door.hpp"
#include "proto/messages/client.hpp"
#include "proto/messages/fingerprint.hpp"

namespace coppice::gateway {

/// What a request asks, as one number: XXH3 (128 bits) over operation, model, version, wanted
/// outputs, parameters and inputs (names, datatypes, shapes, elements) in their order. Equal for
/// equal content, whichever frames carry it; never of who asks, of ids and keys, of class or time.
/// Total: frames that no input names count too. One allocation; about 0.1 ns a byte of frames.
[[nodiscard]] proto::fingerprint fingerprint_of(const proto::request& header,
                                                const frame_list& frames);

}  // namespace coppice::gateway
