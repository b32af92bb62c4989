#pragma once

#include "base/error.hpp"
#include "proto/messages/field.hpp"
#include "worker/model/model_spec.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coppice::worker {

/// What a sequence begins with.
struct sequence_start {
  /// 0 to `model_spec::sequences` - 1; the sequence's name until its end.
  std::uint32_t slot = 0;
  std::vector<std::int32_t> prompt;
  /// Tokens that the sequence has already, made by an earlier attempt; it goes on behind them.
  std::vector<std::int32_t> emitted;
  /// The request's parameters, a msgpack map or empty.
  proto::raw_value parameters;
};

/// A loaded model that makes sequences of tokens, one token of each a step. Used by one thread at
/// a time, its own.
class sequence_model {
 public:
  virtual ~sequence_model() = default;

  /// @error `invalid`: a parameter. The sequence then has no steps; `end` follows all the same.
  virtual expected<void> begin(const sequence_start& start) = 0;
  /// Advances the sequences in `slots` by one token each; others keep what they have.
  /// @returns the tokens, in the order of `slots`.
  /// @error `model_error` with the model's own words, for all of them.
  virtual expected<std::vector<std::int32_t>> step(std::span<const std::uint32_t> slots) = 0;
  /// The sequence is over, its slot free.
  virtual void end(std::uint32_t slot) = 0;
};

/// Loads a model that streams: `count`. Called on the thread that will run it.
expected<std::unique_ptr<sequence_model>> load_sequence_model(const model_spec& spec);

}  // namespace coppice::worker
