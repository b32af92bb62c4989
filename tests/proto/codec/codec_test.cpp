#include "proto/codec/codec.hpp"

#include "proto/messages/client.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/explanation.hpp"
#include "proto/messages/link.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace coppice::proto {

namespace {

request a_request() {
  request made;
  made.v = 1;
  made.op = "infer";
  made.id.bytes = "\x07";
  made.model = "digits";
  made.inputs.push_back({"image", "FP32", {1, 1, 8, 8}, 0, {}});
  made.timeout_ms = 250;
  return made;
}

/// msgpack bytes of {key: value}, the value given as bytes.
std::string one_entry(const std::string& key, const std::string& value) {
  return "\x81" + std::string(1, static_cast<char>(0xa0 + key.size())) + key + value;
}

std::string failure_of(const std::string& bytes) {
  const auto decoded = decode<request>(bytes);
  return decoded ? "decoded" : decoded.error().message;
}

TEST(Codec, RoundTripsARequest) {
  const auto back = decode<request>(encode(a_request()));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->model, "digits");
  EXPECT_EQ(back->timeout_ms, 250u);
  EXPECT_EQ(back->inputs[0].shape, (std::vector<std::int64_t>{1, 1, 8, 8}));
  EXPECT_EQ(back->inputs[0].frame, 0u);
  EXPECT_EQ(encode(*back), encode(a_request()));
}

TEST(Codec, RoundTripsAnExplanation) {
  explanation told;
  told.id = "7";
  told.outcome = "worker_lost";
  told.total_us = ~0ull;
  told.hops = {{"wait", 3, "", ""}, {"attempt", 4, "node-1/engine-0", "was killed"}};

  const auto back = decode<explanation>(encode(told));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->hops[1].text, "was killed");
  EXPECT_EQ(encode(*back), encode(told));
}

TEST(Codec, RoundTripsControlMessages) {
  node_snapshot node;
  node.node = "n";
  node.engines.resize(1);
  node.engines[0].incarnation = {~0ull};
  node.engines[0].models.push_back({"echo", 3, {{"x", "FP32", {-1}}}, {}, true, 8, 32, false});
  node.engines[0].loads.resize(1);
  node.engines[0].loads[0].costs = {{1, 10}, {8, 40}};

  const auto back = decode<node_snapshot>(encode(node));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), encode(node));
  EXPECT_EQ(back->engines[0].incarnation, incarnation_id{~0ull});
}

TEST(Codec, RoundTripsTheDesiredStateOfANodeAndItsAnswer) {
  const apply_order order{"node-1", {7, "/srv/models", {"digits", "minilm:1"}, {"echo"}}, true};
  apply_status status;
  status.node = "node-1";
  status.current.revision = 6;
  status.target = order.desired;
  status.convergence = "failed";
  status.convergence_reason = "It exited.";
  status.error = error_body{"invalid", "No.", false, 0};

  const auto ordered = decode<apply_order>(encode(order));
  const auto told = decode<apply_status>(encode(status));

  ASSERT_TRUE(ordered) << ordered.error().message;
  EXPECT_EQ(ordered->desired, order.desired);
  EXPECT_TRUE(ordered->only_ask);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(encode(*told), encode(status));
  EXPECT_EQ(told->target.serve, (std::vector<std::string>{"digits", "minilm:1"}));
}

TEST(Codec, KeepsAnOrderToANodeFarBelowTheLimitOfAMessage) {
  apply_status status;
  status.current.serve = status.target.serve =
      std::vector<std::string>(max_desired_bytes / 10, std::string(9, 'm'));

  EXPECT_GT(encode(status.target).size(), max_desired_bytes - 1024);
  EXPECT_LT(encode(status).size(), max_control_bytes);
}

TEST(Codec, RejectsEveryTruncation) {
  const auto bytes = encode(a_request());
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode<request>(std::string_view{bytes}.substr(0, n))) << n;
}

TEST(Codec, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(failure_of(one_entry("v", "\xff")), "Field 'v' must not be negative.");
  EXPECT_EQ(failure_of(one_entry("op", "\x01")), "Field 'op' must be a string.");
  EXPECT_EQ(failure_of(one_entry("inputs", "\x01")), "Field 'inputs' must be an array.");
  EXPECT_EQ(failure_of(one_entry("inputs", "\x91\x81\xa5shape\x91\xa1x")),
            "Field 'inputs.shape' must be an integer.");
}

TEST(Codec, RefusesNotANumberAsATime) {
  EXPECT_EQ(failure_of(one_entry("timeout_ms", std::string("\xcb\x7f\xf8\0\0\0\0\0\0", 9))),
            "Field 'timeout_ms' must be an integer.");
}

TEST(Codec, RefusesAKeyThatStandsThereTwice) {
  EXPECT_EQ(failure_of("\x82\xa1v\x01\xa1v\x01"), "Field 'v' stands there twice.");
}

TEST(Codec, SkipsUnknownKeysAndTakesNilForAbsent) {
  const auto decoded = decode<request>("\x82\xa3new\x93\x01\x02\x03\xa5model\xc0");

  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->model.empty());
}

TEST(Codec, RefusesSurplusBytesDeepNestingAndLargeHeaders) {
  EXPECT_FALSE(decode<request>("\x80\x80"));
  EXPECT_FALSE(decode<request>(one_entry("data", std::string(40, '\x91') + "\x01")));
  EXPECT_FALSE(decode<request>(std::string(max_header_bytes + 1, '\x80')));
}

TEST(Codec, NeverDoesMoreThan64StepsAByteOnRandomMutations) {
  std::mt19937 random{5};
  const auto valid = encode(a_request());
  for (int i = 0; i < 200'000; ++i) {
    auto bytes = valid;
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(1 + random() % bytes.size());
    std::uint64_t steps = 0;
    (void)decode<request>(bytes, max_header_bytes, &steps);
    ASSERT_LE(steps, 64 * bytes.size());
  }
}

}  // namespace

}  // namespace coppice::proto
