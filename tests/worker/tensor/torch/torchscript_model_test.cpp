#include "worker/tensor/torch/torchscript_model.hpp"

#include "tests/worker/tensor/torch/builders.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <unistd.h>

namespace coppice::worker {

namespace {

/// A model.pt made of script text, removed at the end of the test.
struct TorchScript : ::testing::Test {
  std::filesystem::path file = std::filesystem::temp_directory_path() /
                               ("coppice-script-" + std::to_string(::getpid()) + ".pt");
  model_spec spec;

  TorchScript() {
    spec.backend = backend_kind::torchscript;
    spec.file = file;
    spec.batchable = true;
    spec.max_batch = 8;
    spec.inputs = {fp32_rule("x", {2})};
    spec.outputs = {fp32_rule("y", {2})};
  }
  ~TorchScript() override { std::filesystem::remove(file); }

  std::unique_ptr<model> load(const std::string& text, bool with_state = false) {
    torch::jit::Module module{"tested"};
    if (with_state) module.register_buffer("state", at::zeros({1}));
    module.register_attribute("training", c10::BoolType::get(), false);
    module.define(text);
    module.save(file.string());
    auto loaded = load_torch(spec, "cpu:0");
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? std::move(*loaded) : nullptr;
  }
};

TEST_F(TorchScript, AnswersABatchAsItAnswersEachAlone) {
  const auto tested = load("def forward(self, x):\n  return x * 2 + 1\n");
  const std::vector<batch_item> batch{item_of({fp32("x", {1, 2}, {1, 2})}),
                                      item_of({fp32("x", {2, 2}, {3, 4, 5, 6})})};

  const auto together = tested->run(batch);

  ASSERT_TRUE(together) << together.error().message;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto alone = tested->run(std::span{batch}.subspan(i, 1));
    ASSERT_TRUE(alone);
    EXPECT_EQ(floats((*together)[i][0]), floats((*alone)[0][0]));
    EXPECT_EQ((*together)[i][0].shape, (*alone)[0][0].shape);
  }
}

TEST_F(TorchScript, PassesInputsAndTuplesInTheOrderOfTheSpec) {
  spec.inputs = {fp32_rule("a", {2}), fp32_rule("b", {2})};
  spec.outputs = {fp32_rule("difference", {2}), fp32_rule("a_again", {2})};
  const auto tested = load("def forward(self, a, b):\n  return a - b, a\n");
  const std::vector<batch_item> batch{
      item_of({fp32("a", {1, 2}, {5, 6}), fp32("b", {1, 2}, {1, 1})})};

  const auto outputs = tested->run(batch);

  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_EQ(floats((*outputs)[0][0]), (std::vector<float>{4, 5}));
  EXPECT_EQ(floats((*outputs)[0][1]), (std::vector<float>{5, 6}));
}

TEST_F(TorchScript, MatchesADictionaryByName) {
  spec.outputs = {fp32_rule("half", {2}), fp32_rule("twice", {2})};
  const auto tested = load("def forward(self, x):\n  return {'twice': x * 2, 'half': x / 2}\n");

  const auto outputs = tested->run(std::vector{item_of({fp32("x", {1, 2}, {2, 4})})});

  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_EQ(floats((*outputs)[0][0]), (std::vector<float>{1, 2}));
  EXPECT_EQ(floats((*outputs)[0][1]), (std::vector<float>{4, 8}));
}

TEST_F(TorchScript, TakesAListAsOutputs) {
  spec.outputs = {fp32_rule("a", {2}), fp32_rule("b", {2})};
  const auto tested = load("def forward(self, x):\n  return [x, -x]\n");

  const auto outputs = tested->run(std::vector{item_of({fp32("x", {1, 2}, {2, 4})})});

  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_EQ(floats((*outputs)[0][1]), (std::vector<float>{-2, -4}));
}

TEST_F(TorchScript, TellsAMissingOutput) {
  spec.outputs = {fp32_rule("y", {2}), fp32_rule("z", {2})};
  const auto tested = load("def forward(self, x):\n  return x\n");

  const auto outputs = tested->run(std::vector{item_of({fp32("x", {1, 2}, {2, 4})})});

  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().message, "The model's result has no output 'z'.");
}

TEST_F(TorchScript, TurnsAnErrorInsideForwardIntoOneLine) {
  const auto tested =
      load("def forward(self, x):\n  assert bool((x >= 0).all()), 'negative'\n  return x\n");

  const auto bad = tested->run(std::vector{item_of({fp32("x", {1, 2}, {-1, 4})})});
  const auto good = tested->run(std::vector{item_of({fp32("x", {1, 2}, {1, 4})})});

  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::model_error);
  EXPECT_NE(bad.error().message.find("negative"), std::string::npos);
  EXPECT_EQ(bad.error().message.find('\n'), std::string::npos);
  EXPECT_TRUE(good);
}

TEST_F(TorchScript, CarriesStateWithTheClient) {
  spec.batchable = false;
  spec.max_batch = 1;
  spec.inputs = {fp32_rule("x", {1}), fp32_rule("state", {1})};
  spec.inputs[1].attribute = "state";
  spec.outputs = {fp32_rule("sum", {1}), fp32_rule("state", {1})};
  spec.outputs[1].attribute = "state";
  const auto tested =
      load("def forward(self, x):\n  self.state = self.state + x\n  return self.state * 1\n", true);
  const auto step = [&](float x, float state) {
    const auto out =
        tested->run(std::vector{item_of({fp32("x", {1}, {x}), fp32("state", {1}, {state})})});
    EXPECT_TRUE(out) << out.error().message;
    return out ? floats((*out)[0][1])[0] : -1.0F;
  };

  float one = 0, other = 100;
  for (const float x : {1.0F, 2.0F, 3.0F}) {
    one = step(x, one);
    other = step(10 * x, other);
  }

  EXPECT_EQ(one, 6);
  EXPECT_EQ(other, 160);
}

}  // namespace

}  // namespace coppice::worker
