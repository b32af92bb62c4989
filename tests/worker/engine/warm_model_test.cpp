#include "worker/engine/warm_model.hpp"

#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace coppice::worker {
namespace {

expected<std::unique_ptr<model>> load_nothing(const model_spec&, const std::string& device) {
  return fail(errc::invalid, "There is no " + device + ".");
}

TEST(LoadWarm, SaysWhyItCannotLoad) {
  const auto loaded = load_warm(a_spec(), load_nothing, "cuda:7");

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "There is no cuda:7.");
}

/// A model that does not run what warm-up gives it.
class cold_model : public model {
  expected<std::vector<item_outputs>> run(std::span<const batch_item>) override {
    return fail(errc::model_error, "Brr.");
  }
};

expected<std::unique_ptr<model>> load_cold(const model_spec&, const std::string&) {
  return std::make_unique<cold_model>();
}

TEST(LoadWarm, FailsIfTheWarmUpFails) {
  const auto loaded = load_warm(a_spec(), load_cold, "cpu");

  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message,
              testing::AllOf(testing::HasSubstr("warm-up"), testing::HasSubstr("Brr.")));
}

expected<std::unique_ptr<model>> load_throwing(const model_spec&, const std::string&) {
  throw std::runtime_error{"no such symbol"};
}

TEST(LoadWarm, EndsForeignExceptionsOfALoader) {
  const auto loaded = load_warm(a_spec(), load_throwing, "cpu");

  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, testing::HasSubstr("no such symbol"));
}

expected<std::unique_ptr<model>> load_echo(const model_spec& spec, const std::string& device) {
  auto echo = spec;
  echo.builtin = "echo";
  return load_builtin(echo, device);
}

TEST(LoadWarm, FailsIfASelfTestIsNotPassed) {
  auto spec = a_spec();
  spec.outputs.front().spec.name = "x";
  proto::tensor x{"x", "FP32", {1, 1}, {}, {{"\x91\x01"}}}, wanted = x;
  spec.self_tests = {{{x}, {wanted}, 0}};
  EXPECT_TRUE(load_warm(spec, load_echo, "cpu"));

  spec.self_tests.front().outputs.front().data.bytes = "\x91\x02";
  const auto loaded = load_warm(spec, load_echo, "cpu");

  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, testing::HasSubstr("self_test 1: output 'x' differs by 1"));
}

TEST(WarmUp, IsZerosOfTheShapesThatTheModelNames) {
  auto spec = a_spec();
  spec.inputs.push_back({{"text", "BYTES", {2}}, "", 0});
  spec.inputs.push_back({{"mask", "INT64", {-1, 3, -1}}, "", 0});
  spec.warm_up_rows = 2;
  spec.warm_up_shape["mask"] = {5, 7};

  const auto item = warm_up_item(spec);

  EXPECT_EQ(item.rows, 2u);
  EXPECT_THAT(item.inputs[0].shape, testing::ElementsAre(2, 1));
  EXPECT_EQ(item.inputs[0].bytes.size(), 8u);
  EXPECT_THAT(item.inputs[1].shape, testing::ElementsAre(2, 2));
  EXPECT_EQ(item.inputs[1].bytes.size(), 16u);
  EXPECT_THAT(item.inputs[2].shape, testing::ElementsAre(2, 5, 3, 7));
  EXPECT_EQ(item.inputs[2].bytes.size(), 8u * 210);
  for (const auto each : item.inputs[2].bytes) EXPECT_EQ(each, std::byte{0});
}

}  // namespace
}  // namespace coppice::worker
