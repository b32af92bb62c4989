#include "worker/engine/input_check.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include <cstring>

namespace coppice::worker {
namespace {

shared_frame a_frame(std::size_t bytes, char fill = 0) {
  return a_frame_of(std::string(bytes, fill));
}

template <class T>
proto::raw_value packed(const T& value) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(value);
  return {{out.data(), out.size()}};
}

/// A request with one input "x", FP32 [1, 2] in frame 0.
struct a_request {
  a_request& input(proto::tensor tensor) { return made.inputs.push_back(std::move(tensor)), *this; }
  a_request& datatype(std::string name) { return made.inputs[0].datatype = std::move(name), *this; }
  a_request& shape(std::vector<std::int64_t> s) {
    return made.inputs[0].shape = std::move(s), *this;
  }
  a_request& name(std::string n) { return made.inputs[0].name = std::move(n), *this; }
  a_request& frame(std::optional<std::uint32_t> f) { return made.inputs[0].frame = f, *this; }
  a_request& data(proto::raw_value v) { return made.inputs[0].data = std::move(v), *this; }
  a_request& output(std::string n) { return made.outputs.push_back(std::move(n)), *this; }
  proto::link_request made = [] {
    proto::link_request fresh;
    fresh.inputs.push_back({"x", "FP32", {1, 2}, 0u, {}});
    return fresh;
  }();
};

model_spec any_spec() {
  model_spec spec;
  spec.name = "echo";
  spec.builtin = "echo";
  spec.batchable = true;
  spec.max_batch = 64;
  return spec;
}

/// The sentence of the refusal; empty if the request was accepted.
std::string refusal(const model_spec& spec, const a_request& request, shared_frames frames) {
  const auto item = check_inputs(spec, request.made, frames);
  if (item) return "";
  EXPECT_EQ(item.error().code, errc::invalid);
  return item.error().message;
}

TEST(InputCheck, GivesInputsInTheModelsOrderOverTheFramesThemselves) {
  auto spec = a_spec();
  spec.inputs.push_back({{"mask", "INT64", {-1}}, "", 0});
  a_request request;
  request.name("mask").datatype("INT64").shape({3, 2}).input({"x", "FP32", {3, 4}, 1u, {}});
  const shared_frames frames{a_frame(48), a_frame(48)};

  const auto item = check_inputs(spec, request.made, frames);

  ASSERT_TRUE(item) << item.error().message;
  EXPECT_EQ(item->rows, 3u);
  ASSERT_EQ(item->inputs.size(), 2u);
  EXPECT_EQ(item->inputs[0].name, "x");
  EXPECT_EQ(item->inputs[0].bytes.data(), frames[1].bytes.data());
  EXPECT_EQ(item->inputs[1].name, "mask");
  EXPECT_EQ(item->inputs[1].type, datatype::int64);
}

TEST(InputCheck, KeepsAFrameAliveThroughItsTensor) {
  shared_frames frames{a_frame_of("abcdefgh")};
  const auto item = check_inputs(a_spec(), a_request{}.made, frames);
  frames.clear();

  ASSERT_TRUE(item);
  EXPECT_EQ(std::memcmp(item->inputs[0].bytes.data(), "abcdefgh", 8), 0);
}

TEST(InputCheck, AcceptsEveryFixedSizeDatatypeByItsSize) {
  const std::vector<std::pair<std::string, std::size_t>> sizes{
      {"BOOL", 1}, {"UINT8", 1}, {"UINT16", 2}, {"UINT32", 4}, {"UINT64", 8},
      {"INT8", 1}, {"INT16", 2}, {"INT32", 4},  {"INT64", 8},  {"FP16", 2},
      {"BF16", 2}, {"FP32", 4},  {"FP64", 8}};
  for (const auto& [name, size] : sizes) {
    a_request request;
    request.datatype(name).shape({2, 3});
    EXPECT_EQ(refusal(any_spec(), request, {a_frame(6 * size)}), "") << name;
    EXPECT_THAT(refusal(any_spec(), request, {a_frame(6 * size + 1)}),
                testing::HasSubstr("takes " + std::to_string(6 * size)))
        << name;
    EXPECT_NE(refusal(any_spec(), request, {a_frame(6 * size - 1)}), "") << name;
  }
}

TEST(InputCheck, CountsAnyInputsAsOneRow) {
  a_request request;
  request.datatype("UINT8").shape({5000});

  EXPECT_EQ(check_inputs(any_spec(), request.made, {a_frame(5000)})->rows, 1u);
}

TEST(InputCheck, AcceptsScalarsAndEmptyTensors) {
  EXPECT_EQ(refusal(any_spec(), a_request{}.shape({}), {a_frame(4)}), "");
  EXPECT_EQ(refusal(any_spec(), a_request{}.shape({0, 7}), {a_frame(0)}), "");
}

TEST(InputCheck, ChecksTheLayoutOfBytes) {
  const std::string good{"\2\0\0\0ab\0\0\0\0", 10};
  a_request request;
  request.datatype("BYTES").shape({2});

  EXPECT_EQ(refusal(any_spec(), request, {a_frame_of(good)}), "");
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_THAT(refusal(any_spec(), request, {a_frame_of(good.substr(0, n))}),
                testing::HasSubstr("ends inside"))
        << n;
  EXPECT_THAT(refusal(any_spec(), request, {a_frame_of(good + "c")}), testing::HasSubstr("behind"));
  EXPECT_NE(refusal(any_spec(), request,
                    {a_frame_of("\xff\xff\xff\xff"
                                "ab")}),
            "");
}

TEST(InputCheck, RefusesBytesThatAreNoBooleans) {
  a_request request;
  request.datatype("BOOL").shape({2});

  EXPECT_EQ(refusal(any_spec(), request, {a_frame(2, 1)}), "");
  EXPECT_THAT(refusal(any_spec(), request, {a_frame(2, 2)}), testing::HasSubstr("neither 0 nor 1"));
}

TEST(InputCheck, NamesWhatItWantedAndWhatCame) {
  const auto spec = a_spec();
  const shared_frames frames{a_frame(8)};

  EXPECT_EQ(refusal(spec, a_request{}, frames), "");
  EXPECT_EQ(refusal(spec, a_request{}.datatype("INT32"), frames),
            "Input 'x' must be FP32, not 'INT32'.");
  EXPECT_EQ(refusal(spec, a_request{}.shape({2}), frames),
            "Input 'x' must have shape [-1, -1] (-1: any), not [2].");
  EXPECT_EQ(refusal(spec, a_request{}.name("pixels"), frames),
            "Input 'pixels' is not one of the model's: 'x'.");
  EXPECT_EQ(refusal(spec, a_request{}.shape({1, 3}), frames),
            "Input 'x' has 8 bytes; FP32 of shape [1, 3] takes 12.");
  EXPECT_EQ(refusal(spec, a_request{}.frame(1), frames), "Input 'x' names frame 1; 1 came.");
  EXPECT_EQ(refusal(spec, a_request{}.frame({}), frames),
            "Input 'x' has neither 'frame' nor 'data'.");
  EXPECT_EQ(refusal(spec, a_request{}.data(packed(1)), frames),
            "Input 'x' has both 'frame' and 'data'.");
  EXPECT_EQ(refusal(spec, a_request{}.output("z"), frames), "Model 'm' has no output 'z'.");
  EXPECT_EQ(refusal(spec, a_request{}.output("y"), frames), "");
}

TEST(InputCheck, WantsEveryInputOnce) {
  auto spec = a_spec();
  spec.inputs.push_back({{"mask", "FP32", {-1}}, "", 0});
  const shared_frames frames{a_frame(8)};
  const proto::tensor twin{"x", "FP32", {1, 2}, 0u, {}}, mask{"mask", "FP32", {1, 2}, 0u, {}};

  EXPECT_EQ(refusal(spec, a_request{}, frames), "Input 'mask' is missing.");
  EXPECT_EQ(refusal(spec, a_request{}.input(twin), frames), "Input 'mask' is missing.");
  EXPECT_EQ(refusal(spec, a_request{}.input(twin).input(mask), frames),
            "Model 'm' takes 2 inputs, not 3.");
}

TEST(InputCheck, BoundsRowsByTheBatchSize) {
  const auto rows = [](std::int64_t n) {
    return refusal(a_spec(), a_request{}.shape({n, 1}), {a_frame(static_cast<std::size_t>(4 * n))});
  };

  EXPECT_EQ(rows(1), "");
  EXPECT_EQ(rows(8), "");
  EXPECT_EQ(rows(0), "Input 'x' has 0 rows; the model takes 1 to 8.");
  EXPECT_EQ(rows(9), "Input 'x' has 9 rows; the model takes 1 to 8.");
}

TEST(InputCheck, WantsTheSameRowsInEveryInput) {
  auto spec = a_spec();
  spec.inputs.push_back({{"mask", "FP32", {-1}}, "", 0});
  a_request request;
  request.input({"mask", "FP32", {2, 1}, 0u, {}});

  EXPECT_EQ(refusal(spec, request, {a_frame(8)}), "Input 'mask' has 2 rows where 'x' has 1.");
}

TEST(InputCheck, ComparesFixedDimensionsWithoutABatch) {
  auto spec = a_spec();
  spec.batchable = false;
  spec.inputs[0].spec.shape = {1, -1};

  EXPECT_EQ(refusal(spec, a_request{}.shape({1, 2}), {a_frame(8)}), "");
  EXPECT_EQ(refusal(spec, a_request{}.shape({2, 1}), {a_frame(8)}),
            "Input 'x' must have shape [1, -1] (-1: any), not [2, 1].");
}

TEST(InputCheck, RefusesShapesThatAreNegativeHugeOrOverflow) {
  const auto shape = [](std::vector<std::int64_t> s) {
    return refusal(any_spec(), a_request{}.shape(std::move(s)), {a_frame(8)});
  };
  const auto large = std::numeric_limits<std::int64_t>::max();

  EXPECT_EQ(shape({-1, 2}), "Input 'x' has the negative dimension -1.");
  EXPECT_EQ(shape({large, large}), "Input 'x' has more than 67108864 elements.");
  EXPECT_EQ(shape({1ll << 33, 1ll << 33}), "Input 'x' has more than 67108864 elements.");
  EXPECT_EQ(shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), "Input 'x' has rank 9; at most 8 is allowed.");
}

TEST(InputCheck, RefusesUnknownDatatypes) {
  EXPECT_EQ(refusal(any_spec(), a_request{}.datatype("FLOAT"), {a_frame(8)}),
            "Input 'x' has the unknown datatype 'FLOAT'.");
}

TEST(InputCheck, WantsOnlyOutputsThatAnyInputsGive) {
  EXPECT_EQ(refusal(any_spec(), a_request{}.output("x"), {a_frame(8)}), "");
  EXPECT_EQ(refusal(any_spec(), a_request{}.output("y"), {a_frame(8)}),
            "Model 'echo' has no output 'y'.");
}

TEST(InputCheck, ShowsForeignNamesSafely) {
  const auto text = refusal(a_spec(), a_request{}.name("a\n\xff" + std::string(5000, 'b')), {});
  EXPECT_LT(text.size(), 150u);
  EXPECT_THAT(text, testing::StartsWith("Input 'a??bbb"));
}

TEST(InputCheck, TurnsDataIntoElements) {
  a_request request;
  request.frame({}).data(packed(std::vector<double>{1.5, -2}));

  const auto item = check_inputs(a_spec(), request.made, {});

  ASSERT_TRUE(item) << item.error().message;
  EXPECT_THAT(values_of<float>(item->inputs[0]), testing::ElementsAre(1.5f, -2.0f));
}

}  // namespace
}  // namespace coppice::worker
