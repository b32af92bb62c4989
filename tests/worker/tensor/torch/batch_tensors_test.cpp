#include "worker/tensor/torch/batch_tensors.hpp"

#include "tests/worker/tensor/torch/builders.hpp"

#include <gtest/gtest.h>

#include <ATen/Functions.h>

namespace coppice::worker {

namespace {

model_spec batching(padding_mode padding = padding_mode::none) {
  model_spec spec;
  spec.batchable = true;
  spec.max_batch = 8;
  spec.padding = padding;
  spec.buckets = {4, 8};
  spec.inputs = {fp32_rule("x", {-1})};
  spec.inputs[0].pad_value = 9;
  spec.outputs = {fp32_rule("y", {-1})};
  return spec;
}

std::vector<float> values(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), tensor.data_ptr<float>() + tensor.numel()};
}

TEST(Assemble, PutsRowsOneBehindTheOther) {
  const std::vector<batch_item> batch{item_of({fp32("x", {2, 2}, {1, 2, 3, 4})}),
                                      item_of({fp32("x", {1, 2}, {5, 6})})};

  const auto whole = assemble(batching(), batch, 0);

  EXPECT_EQ(whole.sizes(), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(values(whole), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Assemble, PadsToTheLongestWithTheRulesValue) {
  const std::vector<batch_item> batch{item_of({fp32("x", {1, 1}, {1})}),
                                      item_of({fp32("x", {1, 3}, {2, 3, 4})})};

  const auto whole = assemble(batching(padding_mode::longest), batch, 0);

  EXPECT_EQ(values(whole), (std::vector<float>{1, 9, 9, 2, 3, 4}));
}

TEST(Assemble, PadsUpToTheNextBucket) {
  const std::vector<batch_item> batch{item_of({fp32("x", {1, 3}, {1, 2, 3})})};

  const auto whole = assemble(batching(padding_mode::buckets), batch, 0);

  EXPECT_EQ(values(whole), (std::vector<float>{1, 2, 3, 9}));
}

TEST(Split, GivesViewsThatOutliveTheTensor) {
  const std::vector<batch_item> batch{item_of({fp32("x", {2, 2}, {0, 0, 0, 0})}),
                                      item_of({fp32("x", {1, 2}, {0, 0})})};
  auto whole = at::arange(6, at::kFloat).reshape({3, 2});

  auto items = split(batching(), batch, {whole});
  whole.reset();

  ASSERT_TRUE(items) << items.error().message;
  EXPECT_EQ((*items)[0][0].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(floats((*items)[0][0]), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(floats((*items)[1][0]), (std::vector<float>{4, 5}));
}

TEST(Split, RefusesOutputsThatModelYmlDoesNotDescribe) {
  const std::vector<batch_item> batch{item_of({fp32("x", {1, 2}, {0, 0})})};

  EXPECT_EQ(split(batching(), batch, {at::zeros({1, 2}, at::kLong)}).error().message,
            "Output 'y' is INT64; model.yml says FP32.");
  EXPECT_EQ(split(batching(), batch, {at::zeros({3, 2})}).error().message,
            "Output 'y' has not one row for each input row.");
  EXPECT_EQ(split(batching(), batch, {at::zeros({1, 2, 2})}).error().message,
            "Output 'y' has shape [1, 2, 2]; model.yml says rows x [-1].");
}

}  // namespace

}  // namespace coppice::worker
