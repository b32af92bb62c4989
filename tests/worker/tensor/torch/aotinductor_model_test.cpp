#include "worker/tensor/torch/aotinductor_model.hpp"

#include "tests/worker/tensor/torch/builders.hpp"
#include "worker/model/repository.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

/// models/digits, which scripts/make_models digits makes as TorchScript (1) and package (2).
struct Aotinductor : ::testing::Test {
  std::vector<model_spec> digits;

  void SetUp() override {
    for (const auto& spec : read_repository(COPPICE_MODELS).specs)
      if (spec.name == "digits") digits.push_back(spec);
    if (digits.size() != 2) GTEST_SKIP() << "not made: run scripts/make_models digits";
  }
};

batch_item image(float seed) {
  std::vector<float> pixels(64);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = seed * static_cast<float>(i % 16) / 16;
  return item_of({fp32("image", {1, 1, 8, 8}, pixels)});
}

TEST_F(Aotinductor, AnswersAsTheTorchScriptOfTheSameModel) {
  const auto script = load_torch(digits[0], "cpu");
  const auto package = load_torch(digits[1], "cpu");
  ASSERT_TRUE(script) << script.error().message;
  ASSERT_TRUE(package) << package.error().message;
  const std::vector<batch_item> batch{image(0.25F), image(0.5F), image(1)};

  const auto expected_outputs = (*script)->run(batch);
  const auto outputs = (*package)->run(batch);

  ASSERT_TRUE(outputs) << outputs.error().message;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto own = floats((*outputs)[i][0]), wanted = floats((*expected_outputs)[i][0]);
    for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(own[k], wanted[k], 1e-3);
  }
}

TEST_F(Aotinductor, TellsAWrongNumberOfOutputs) {
  auto spec = digits[1];
  spec.outputs.push_back(fp32_rule("more", {1}));
  const auto loaded = load_torch(spec, "cpu");
  ASSERT_TRUE(loaded) << loaded.error().message;

  EXPECT_EQ((*loaded)->run(std::vector{image(1)}).error().message,
            "The package gives 1 outputs; model.yml lists 2.");
}

TEST_F(Aotinductor, RefusesAPackageOfAnotherLibtorch) {
  auto spec = digits[1];
  spec.torch_version = "1.0.0";

  const auto loaded = load_torch(spec, "cpu");

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("exported by libtorch 1.0.0"), std::string::npos);
}

TEST_F(Aotinductor, RefusesAFileThatIsNoPackage) {
  auto spec = digits[1];
  spec.file = digits[1].file.parent_path().parent_path() / "model.yml";

  EXPECT_EQ(load_torch(spec, "cpu").error().code, errc::invalid);
}

}  // namespace

}  // namespace coppice::worker
