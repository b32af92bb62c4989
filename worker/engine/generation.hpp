#pragma once

#include "base/error.hpp"
#include "proto/messages/link.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/engine/sequence_model.hpp"

#include <cstddef>
#include <cstdint>

namespace coppice::worker {

/// What a `generate` asks for, checked.
struct generation {
  /// Without its slot.
  sequence_start start;
  /// Length of the whole stream, what was emitted before included.
  std::uint32_t max_tokens = 16;
  /// Bytes of the prompt and of the tokens emitted before.
  std::size_t bytes = 0;
};

/// Checks prompt (1 to `max_prompt_tokens`), `max_tokens` (1 to `max_stream_tokens`, default 16)
/// and `emitted` (a bin of whole tokens, at most `max_tokens` of them). The model checks the other
/// parameters. Total.
/// @error `invalid`, one sentence that names what is wrong.
expected<generation> check_generation(const model_spec& spec, const proto::link_request& request,
                                      const shared_frames& frames);

}  // namespace coppice::worker
