#include "worker/engine/generation.hpp"

#include "proto/codec/codec.hpp"
#include "proto/codec/tokens.hpp"
#include "proto/limits.hpp"
#include "tests/worker/engine/builders.hpp"
#include "worker/model/builtin_spec.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <map>
#include <string>

namespace coppice::worker {
namespace {

template <class T>
proto::raw_value packed(const T& value) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(value);
  return {{out.data(), out.size()}};
}

proto::raw_value max_tokens(std::int64_t n) {
  return packed(std::map<std::string, std::int64_t>{{"max_tokens", n}});
}

/// A bin of that many bytes.
proto::raw_value a_bin(std::size_t bytes) { return packed(std::vector<char>(bytes, 1)); }

struct Generation : testing::Test {
  proto::link_request request;
  Generation() { prompt(3); }
  void prompt(std::int64_t n) { request.inputs = {{"tokens", "INT32", {n}, 0u, {}}}; }
  expected<generation> check() {
    const auto n = static_cast<std::size_t>(request.inputs[0].shape[0]);
    return check_generation(*builtin_spec("count"), request,
                            {a_frame_of(std::string(4 * n, '\2'))});
  }
  /// The sentence of the refusal; empty if it was accepted.
  std::string refusal() {
    const auto checked = check();
    if (checked) return "";
    EXPECT_EQ(checked.error().code, errc::invalid);
    return checked.error().message;
  }
};

TEST_F(Generation, TakesPromptAndDefaults) {
  const auto asked = check();

  ASSERT_TRUE(asked);
  EXPECT_THAT(asked->start.prompt, testing::ElementsAre(0x02020202, 0x02020202, 0x02020202));
  EXPECT_THAT(asked->start.emitted, testing::IsEmpty());
  EXPECT_EQ(asked->max_tokens, 16u);
  EXPECT_EQ(asked->bytes, 12u);
}

TEST_F(Generation, TakesPromptsUpToTheirLimit) {
  prompt(0);
  EXPECT_EQ(refusal(), "Input 'tokens' has 0 tokens; the model takes 1 to 8192.");
  prompt(1);
  EXPECT_EQ(refusal(), "");
  prompt(proto::max_prompt_tokens);
  EXPECT_EQ(refusal(), "");
  prompt(proto::max_prompt_tokens + 1);
  EXPECT_EQ(refusal(), "Input 'tokens' has 8193 tokens; the model takes 1 to 8192.");
}

TEST_F(Generation, TakesStreamsUpToTheirLimit) {
  for (const auto n : {1, 100'000}) {
    request.parameters = max_tokens(n);
    EXPECT_EQ(refusal(), "") << n;
  }
  for (const auto n : {0, 100'001}) {
    request.parameters = max_tokens(n);
    EXPECT_EQ(refusal(), "Parameter 'max_tokens' must be 1 to 100000.") << n;
  }
  request.parameters = max_tokens(-1);
  EXPECT_THAT(refusal(), testing::HasSubstr("max_tokens"));
  request.parameters = {"\xc1"};
  EXPECT_NE(refusal(), "");
}

TEST_F(Generation, TakesEmittedTokensUpToTheWholeStream) {
  request.parameters = max_tokens(2);
  request.emitted = a_bin(8);
  const auto asked = check();
  ASSERT_TRUE(asked);
  EXPECT_THAT(asked->start.emitted, testing::ElementsAre(0x01010101, 0x01010101));
  EXPECT_EQ(asked->bytes, 20u);

  request.emitted = a_bin(12);
  EXPECT_EQ(refusal(), "Field 'emitted' has 3 tokens; 'max_tokens' is 2.");
}

TEST_F(Generation, TakesTheLongestStreamFromAnEarlierAttemptOffTheLink) {
  request.parameters = max_tokens(proto::max_stream_tokens);
  for (const auto n : {proto::max_stream_tokens - 1, proto::max_stream_tokens}) {
    request.emitted = proto::pack_tokens(std::vector<std::int32_t>(n, 7));
    const auto received =
        proto::decode<proto::link_request>(proto::encode(request), proto::max_link_header_bytes);
    ASSERT_TRUE(received);
    request = *received;
    const auto asked = check();
    ASSERT_TRUE(asked) << asked.error().message;
    EXPECT_EQ(asked->start.emitted, std::vector<std::int32_t>(n, 7));
  }
  request.emitted = proto::pack_tokens(std::vector<std::int32_t>(proto::max_stream_tokens + 1, 7));
  EXPECT_NE(refusal(), "");
}

TEST_F(Generation, RefusesEmittedTokensThatAreNoBinOfWholeTokens) {
  for (const auto& bad : {a_bin(3), packed(std::string{"abcd"}), packed(7),
                          proto::raw_value{a_bin(4).bytes + "x"}, proto::raw_value{"\xc4"}}) {
    request.emitted = bad;
    EXPECT_EQ(refusal(), "Field 'emitted' must be a bin of whole INT32 tokens.");
  }
}

TEST_F(Generation, RefusesOtherInputsAsAnyModelDoes) {
  request.inputs[0].datatype = "INT64";
  EXPECT_EQ(refusal(), "Input 'tokens' must be INT32, not 'INT64'.");
  request.inputs[0].name = "text";
  EXPECT_THAT(refusal(), testing::StartsWith("Input 'text' is not one of the model's"));
}

}  // namespace
}  // namespace coppice::worker
