#include "tests/worker/engine/builders.hpp"
#include "worker/model/model.hpp"

#include <gmock/gmock.h>
#include <msgpack.hpp>

namespace coppice::worker {
namespace {

std::unique_ptr<model> a_model(const std::string& name) {
  model_spec spec;
  spec.builtin = name;
  auto loaded = load_builtin(spec, "cpu");
  return loaded ? std::move(*loaded) : nullptr;
}

batch_item an_item(std::vector<host_tensor> inputs) {
  batch_item item;
  item.inputs = std::move(inputs);
  return item;
}

batch_item with_ms(double ms) {
  msgpack::sbuffer out;
  msgpack::packer{out}.pack(std::map<std::string, double>{{"ms", ms}});
  auto item = an_item({});
  item.parameters.bytes = {out.data(), out.size()};
  return item;
}

TEST(BuiltinModels, EchoGivesEachItemItsOwnBytesBackWithoutACopy) {
  const std::vector<batch_item> batch{
      an_item({a_tensor<float>("a", datatype::fp32, {1, 2}, {1, 2})}),
      an_item({a_tensor<char>("b", datatype::uint8, {3}, {'x', 'y', 'z'}),
               a_tensor<float>("c", datatype::fp32, {0}, {})})};

  const auto out = a_model("echo")->run(batch);

  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 2u);
  EXPECT_EQ((*out)[0][0].bytes.data(), batch[0].inputs[0].bytes.data());
  EXPECT_EQ((*out)[1].size(), 2u);
  EXPECT_EQ((*out)[1][0].name, "b");
  EXPECT_EQ((*out)[1][1].name, "c");
}

TEST(BuiltinModels, FlipInvertsEveryByte) {
  const auto item = an_item({a_tensor<std::uint8_t>("a", datatype::uint8, {3}, {0, 255, 15})});

  const auto out = a_model("flip")->run({&item, 1});

  ASSERT_TRUE(out);
  EXPECT_THAT(values_of<std::uint8_t>((*out)[0][0]), testing::ElementsAre(255, 0, 240));
  EXPECT_EQ((*out)[0][0].shape, item.inputs[0].shape);
}

TEST(BuiltinModels, FlipKeepsTheLengthsOfBytesElements) {
  const std::vector<std::uint8_t> elements{2, 0, 0, 0, 0x0f, 0xf0, 0, 0, 0, 0};
  const auto item = an_item({a_tensor<std::uint8_t>("a", datatype::bytes, {2}, elements)});

  const auto out = a_model("flip")->run({&item, 1});

  ASSERT_TRUE(out);
  EXPECT_THAT(values_of<std::uint8_t>((*out)[0][0]),
              testing::ElementsAre(2, 0, 0, 0, 0xf0, 0x0f, 0, 0, 0, 0));
}

TEST(BuiltinModels, SleepTakesItsTimeForEachItem) {
  const std::vector<batch_item> batch{with_ms(3), with_ms(4)};
  const auto begin = now();

  const auto out = a_model("sleep")->run(batch);

  EXPECT_TRUE(out);
  EXPECT_GE(now() - begin, 7ms);
}

TEST(BuiltinModels, SleepRefusesTimesThatAreNone) {
  const auto sleeper = a_model("sleep");
  for (const double ms : {-1.0, 3.7e6, std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto item = with_ms(ms);
    const auto out = sleeper->run({&item, 1});
    ASSERT_FALSE(out) << ms;
    EXPECT_EQ(out.error().code, errc::invalid);
  }
}

TEST(BuiltinModels, ParametersThatAreNoMapAreInvalid) {
  auto item = an_item({});
  item.parameters.bytes = "\xc1";
  EXPECT_FALSE(a_model("sleep")->run({&item, 1}));
  EXPECT_FALSE(a_model("crash")->run({&item, 1}));
}

TEST(BuiltinModels, HangEchoesIfToldTo) {
  auto item = an_item({});
  item.parameters.bytes = "\x81\xa4hang\xc2";  // {"hang": false}

  EXPECT_TRUE(a_model("hang")->run({&item, 1}));
}

TEST(BuiltinModels, OnlyTheFiveAreKnown) {
  for (const auto* name : {"echo", "sleep", "crash", "hang", "flip"}) EXPECT_TRUE(a_model(name));
  EXPECT_FALSE(a_model("parrot"));
}

}  // namespace
}  // namespace coppice::worker
