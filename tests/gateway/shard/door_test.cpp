#include "gateway/shard/door.hpp"

#include "proto/codec/tokens.hpp"
#include "tests/gateway/shard/messages.hpp"

#include <gtest/gtest.h>

namespace coppice::gateway {

using testing::a_request;
using testing::as_message;

namespace {

std::string why(proto::request request) {
  auto opened = open_message(as_message(request));
  return opened ? "accepted" : opened.error().why.message;
}

TEST(Door, KeepsTheEnvelopeOfEveryKindOfClient) {
  const auto header = proto::encode(a_request());
  const auto open = [&](std::vector<std::string> envelope) {
    frame_list message;
    message.emplace_back(std::string("client"));
    for (const auto& part : envelope) message.emplace_back(part);
    message.emplace_back(header);
    message.emplace_back(std::string("abcd"));
    return open_message(std::move(message));
  };

  EXPECT_FALSE(open({})->from.empty_delimiter);
  EXPECT_TRUE(open({""})->from.empty_delimiter);
  EXPECT_EQ(open({"corr", ""})->from.correlation, "corr");
}

TEST(Door, AcceptsAWellFormedRequest) { EXPECT_EQ(why(a_request()), "accepted"); }

TEST(Door, TakesTheTokensOfTheLongestStreamOnTopOfTheLargestHeader) {
  auto request = a_request();
  request.op = "generate";
  request.emitted = proto::pack_tokens(std::vector<std::int32_t>(proto::max_stream_tokens));
  request.traceparent.assign(300, 't');
  const auto plain = proto::encode(request).size() - request.emitted.bytes.size();
  request.traceparent.append(proto::max_header_bytes - plain, 't');
  EXPECT_EQ(why(request), "accepted");

  request.traceparent += 't';
  EXPECT_NE(why(request), "accepted");
  request.emitted = proto::pack_tokens(std::vector<std::int32_t>(1));
  EXPECT_EQ(why(request),
            "The header has 65537 bytes beside 'emitted'; at most 65536 are allowed.");

  request = a_request();
  request.emitted = proto::pack_tokens(std::vector<std::int32_t>(proto::max_stream_tokens + 1));
  EXPECT_EQ(why(request), "accepted") << "the header is small otherwise";
}

TEST(Door, RefusesAnEmptyMessage) {
  frame_list only_id;
  only_id.emplace_back(std::string("client"));

  EXPECT_EQ(open_message(std::move(only_id)).error().why.code, errc::invalid);
}

TEST(Door, RefusesAnotherVersion) {
  auto request = a_request();
  request.v = 2;
  EXPECT_EQ(why(request), "Field 'v' is 2; this cluster speaks version 1.");
}

TEST(Door, RefusesShapesThatOverflowOrAreNegative) {
  auto request = a_request();
  request.inputs[0].shape = {1 << 30, 1 << 30, 1 << 30};
  EXPECT_EQ(why(request), "Input 'x' has more than 67108864 elements.");
  request.inputs[0].shape = {-4};
  EXPECT_EQ(why(request), "Input 'x' has the negative dimension -4.");
}

TEST(Door, RefusesFramesThatAreMissingSurplusShortOrNamedTwice) {
  auto request = a_request();
  request.inputs[0].frame = 1;
  EXPECT_EQ(why(request), "Input 'x' names frame 1; there are 1.");
  request.inputs[0].frame = 0;
  request.inputs[0].shape = {5};
  EXPECT_EQ(why(request), "Input 'x' has 4 bytes in its frame; UINT8 of its shape takes 5.");
  request.inputs[0].shape = {4};
  request.inputs.push_back(request.inputs[0]);
  EXPECT_EQ(why(request), "Input 'x' names frame 0 a second time.");
  request.inputs.clear();
  auto surplus = open_message(as_message(proto::encode(request), 2));
  EXPECT_EQ(surplus.error().why.message,
            "2 frames came and the inputs name 0; every frame must be named.");
}

TEST(Door, RefusesAnUnknownDatatype) {
  auto request = a_request();
  request.inputs[0].datatype = "FP8";
  EXPECT_EQ(why(request), "Input 'x' has the unknown datatype 'FP8'.");
}

TEST(Door, RefusesATimeoutOutOfRange) {
  auto request = a_request();
  request.timeout_ms = 0;
  EXPECT_EQ(why(request), "Field 'timeout_ms' must be 1 to 3600000.");
}

TEST(Door, TellsItsAskerWhatWasWrongEvenIfTheHeaderIsBroken) {
  auto header = proto::encode(a_request());
  header.resize(header.size() - 3);

  const auto refused = open_message(as_message(header));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id.bytes, std::string(1, '\1'));
}

TEST(Door, SurvivesEveryTruncationOfAValidHeader) {
  const auto header = proto::encode(a_request());
  for (std::size_t n = 0; n < header.size(); ++n)
    EXPECT_FALSE(open_message(as_message(header.substr(0, n)))) << n;
}

}  // namespace

}  // namespace coppice::gateway
