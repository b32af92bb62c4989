// libFuzzer target: bytes from outside give a value or a typed error. Run it with -malloc_limit_mb
// (no allocation over 64 MiB) and the address and undefined sanitizers; steps are counted here.
#include "gateway/shard/door.hpp"
#include "proto/codec/codec.hpp"
#include "tests/fuzz/messages.hpp"
#include "worker/engine/input_check.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>

namespace coppice::fuzz {
namespace {

[[noreturn]] void broken(const char* claim) {
  std::fprintf(stderr, "broken: %s\n", claim);
  std::abort();
}

/// What decodes encodes again to something that decodes to the same bytes.
template <class T>
void decodes_or_is_refused(std::string_view bytes) {
  std::uint64_t steps = 0;
  const auto value = proto::decode<T>(bytes, proto::max_header_bytes, &steps);
  if (steps > 64 * std::max<std::size_t>(1, bytes.size()))
    broken("at most 64 decoder steps a byte");
  if (!value) {
    if (value.error().message.empty()) broken("a refusal has a sentence");
    return;
  }
  const auto again = proto::encode(*value);
  const auto twice = proto::decode<T>(again, 16 * proto::max_header_bytes);
  if (!twice || proto::encode(*twice) != again) broken("encode and decode agree");
}

/// The engine's check of what the gateway let through, by the model that takes anything.
void reaches_the_engine(const proto::request& request) {
  proto::link_request attempt;
  attempt.inputs = request.inputs;
  worker::shared_frames frames;
  for (int i = 0; i < 2; ++i) frames.push_back({std::as_bytes(std::span{"abcdefgh", 8}), nullptr});
  const worker::model_spec anything;  // no inputs named: any are taken
  (void)worker::check_inputs(anything, attempt, frames);
}

void passes_the_door(std::string_view header) {
  gateway::frame_list message;
  for (const std::string_view part :
       {std::string_view{"client"}, {}, header, {"abcdefgh"}, {"abcdefgh"}})
    message.emplace_back(part);
  auto opened = gateway::open_message(std::move(message));
  if (opened) reaches_the_engine(opened->header);
}

template <std::size_t... I>
void choose(std::size_t which, std::string_view bytes, std::index_sequence<I...>) {
  ((which == I ? decodes_or_is_refused<std::tuple_element_t<I, messages>>(bytes) : void()), ...);
}

void one_input(std::string_view input) {
  if (input.empty()) return;
  constexpr auto kinds = std::tuple_size_v<messages>;
  const auto which = static_cast<std::uint8_t>(input[0]) % kinds;
  choose(which, input.substr(1), std::make_index_sequence<kinds>{});
  if (which == 0) passes_the_door(input.substr(1));
}

}  // namespace
}  // namespace coppice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  coppice::fuzz::one_input({reinterpret_cast<const char*>(bytes), n});
  return 0;
}
