#include "worker/engine/generation.hpp"

#include "proto/codec/stream_length.hpp"
#include "proto/limits.hpp"

#include <cstring>
#include <string>
#include <string_view>

namespace coppice::worker {

namespace {

std::vector<std::int32_t> as_tokens(const void* bytes, std::size_t size) {
  std::vector<std::int32_t> tokens(size / sizeof(std::int32_t));
  if (!tokens.empty()) std::memcpy(tokens.data(), bytes, tokens.size() * sizeof(std::int32_t));
  return tokens;
}

expected<std::vector<std::int32_t>> read_prompt(const batch_item& item) {
  const auto& tensor = item.inputs.front();
  auto prompt = as_tokens(tensor.bytes.data(), tensor.bytes.size());
  if (!prompt.empty() && prompt.size() <= proto::max_prompt_tokens) return prompt;
  return fail(errc::invalid, "Input '" + tensor.name + "' has " + std::to_string(prompt.size()) +
                                 " tokens; the model takes 1 to " +
                                 std::to_string(proto::max_prompt_tokens) + ".");
}

expected<std::vector<std::int32_t>> read_emitted(const proto::raw_value& emitted,
                                                 std::uint32_t max_tokens) {
  if (emitted.empty()) return std::vector<std::int32_t>{};
  proto::reader from{emitted.bytes};
  std::string_view bytes;
  if (!from.next_is_bin() || !from.read(bytes) || !from.at_end() ||
      bytes.size() % sizeof(std::int32_t) != 0)
    return fail(errc::invalid, "Field 'emitted' must be a bin of whole INT32 tokens.");
  auto tokens = as_tokens(bytes.data(), bytes.size());
  if (tokens.size() <= max_tokens) return tokens;
  return fail(errc::invalid, "Field 'emitted' has " + std::to_string(tokens.size()) +
                                 " tokens; 'max_tokens' is " + std::to_string(max_tokens) + ".");
}

}  // namespace

expected<generation> check_generation(const model_spec& spec, const proto::link_request& request,
                                      const shared_frames& frames) {
  const auto item = check_inputs(spec, request, frames);
  if (!item) return tl::unexpected(item.error());
  auto prompt = read_prompt(*item);
  if (!prompt) return tl::unexpected(prompt.error());
  const auto max_tokens = proto::stream_length(request.parameters);
  if (!max_tokens) return tl::unexpected(max_tokens.error());
  auto emitted = read_emitted(request.emitted, *max_tokens);
  if (!emitted) return tl::unexpected(emitted.error());
  const auto bytes = sizeof(std::int32_t) * (prompt->size() + emitted->size());
  return generation{
      {0, std::move(*prompt), std::move(*emitted), request.parameters}, *max_tokens, bytes};
}

}  // namespace coppice::worker
