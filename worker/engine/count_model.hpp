#pragma once

#include "worker/engine/sequence_model.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace coppice::worker {

/// The tokens of the built-in model `count`: token i is a pure function of prompt, seed and i, so
/// that whoever knows them can tell a right stream from a wrong one.
///
///   mix(z):  z ^= z >> 30; z *= 0xbf58476d1ce4e5b9; z ^= z >> 27; z *= 0x94d049bb133111eb;
///            return z ^ (z >> 31)
///   key      = mix(seed + gamma), then for each token t of the prompt: key = mix((key ^ t) +
///   gamma) token i  = ((mix(key + (i + 1) * gamma) >> 32) * 32000) >> 32
///
/// with gamma = 0x9e3779b97f4a7c15, all in 64 bits without sign, t as 32 bits without sign.
/// @source Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014
///         (SplitMix64); read by index it is a counter-based generator.
class count_tokens {
 public:
  static constexpr std::uint32_t vocabulary = 32'000;

  count_tokens() = default;
  count_tokens(std::span<const std::int32_t> prompt, std::uint64_t seed) noexcept;
  /// 0 to `vocabulary` - 1. @param i  index in the whole stream, from 0.
  [[nodiscard]] std::int32_t at(std::uint64_t i) const noexcept;

 private:
  std::uint64_t key_ = 0;
};

/// `count`: tokens without a language model. Parameters: `seed` (default 0), `step_us` (time of a
/// step, 0 to 1,000,000, default 0; a step takes the longest of its sequences).
class count_model : public sequence_model {
 public:
  explicit count_model(std::uint32_t slots);

  expected<void> begin(const sequence_start& start) override;
  expected<std::vector<std::int32_t>> step(std::span<const std::uint32_t> slots) override;
  void end(std::uint32_t slot) override { sequences_[slot] = {}; }

 private:
  struct counted {
    count_tokens tokens;
    std::uint64_t next = 0;
    std::uint32_t step_us = 0;
  };
  /// By slot.
  std::vector<counted> sequences_;
};

}  // namespace coppice::worker
