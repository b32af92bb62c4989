#include "worker/engine/count_model.hpp"

#include "proto/codec/codec.hpp"
#include "worker/engine/pause.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

constexpr std::uint64_t gamma = 0x9e3779b97f4a7c15;
constexpr std::uint32_t longest_step_us = 1'000'000;

constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

struct count_parameters {
  std::uint64_t seed = 0;
  std::uint32_t step_us = 0;

  static constexpr auto fields() {
    using proto::field;
    return std::tuple{field{"seed", &count_parameters::seed},
                      field{"step_us", &count_parameters::step_us}};
  }
};

}  // namespace

count_tokens::count_tokens(std::span<const std::int32_t> prompt, std::uint64_t seed) noexcept
    : key_{mix(seed + gamma)} {
  for (const auto token : prompt) key_ = mix((key_ ^ static_cast<std::uint32_t>(token)) + gamma);
}

std::int32_t count_tokens::at(std::uint64_t i) const noexcept {
  return static_cast<std::int32_t>(((mix(key_ + (i + 1) * gamma) >> 32) * vocabulary) >> 32);
}

count_model::count_model(std::uint32_t slots) : sequences_(slots) { pause_exactly(); }

expected<void> count_model::begin(const sequence_start& start) {
  count_parameters parameters;
  if (!start.parameters.empty()) {
    auto read = proto::decode<count_parameters>(start.parameters.bytes);
    if (!read) return tl::unexpected(read.error());
    parameters = *read;
  }
  if (parameters.step_us > longest_step_us)
    return fail(errc::invalid, "Parameter 'step_us' must be 0 to 1000000.");
  sequences_[start.slot] = {count_tokens{start.prompt, parameters.seed}, start.emitted.size(),
                            parameters.step_us};
  return {};
}

expected<std::vector<std::int32_t>> count_model::step(std::span<const std::uint32_t> slots) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(slots.size());
  std::uint32_t step_us = 0;
  for (const auto slot : slots) {
    auto& sequence = sequences_[slot];
    tokens.push_back(sequence.tokens.at(sequence.next++));
    step_us = std::max(step_us, sequence.step_us);
  }
  if (step_us > 0) pause_for(std::chrono::microseconds{step_us});
  return tokens;
}

expected<std::unique_ptr<sequence_model>> load_sequence_model(const model_spec& spec) {
  if (spec.builtin != "count")
    return fail(errc::invalid,
                "No built-in model that streams is called '" + spec.builtin + "'; there is count.");
  return std::make_unique<count_model>(spec.sequences);
}

}  // namespace coppice::worker
