#include "worker/engine/self_test_run.hpp"

#include "proto/codec/codec.hpp"
#include "tests/worker/engine/builders.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace coppice::worker {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Answers with twice its input `x` as `y`.
class doubling_model : public model {
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    const auto& x = batch.front().inputs.front();
    auto values = values_of<float>(x);
    for (auto& each : values) each *= 2;
    return std::vector<item_outputs>{{a_tensor("y", datatype::fp32, x.shape, values)}};
  }
};

proto::tensor as_sent(const std::string& name, std::vector<std::int64_t> shape,
                      const std::vector<double>& values) {
  proto::tensor made{name, "FP32", std::move(shape), {}, {}};
  proto::string_sink sink{made.data.bytes};
  proto::packer to{sink};
  to.pack_array(static_cast<std::uint32_t>(values.size()));
  for (const auto each : values) to.pack_double(each);
  return made;
}

/// Of the model above: two rows of two.
self_test a_test(const std::vector<double>& wanted) {
  return {{as_sent("x", {2, 2}, {1, 2, 3, 4})}, {as_sent("y", {2, 2}, wanted)}, 1e-4};
}

std::string outcome_of(const self_test& test) {
  doubling_model instance;
  auto spec = a_spec();
  spec.self_tests = {a_test({2, 4, 6, 8}), test};
  const auto passed = run_self_tests(instance, spec);
  return passed ? "passed" : passed.error().message;
}

TEST(SelfTest, IsPassedWithinItsTolerance) {
  EXPECT_EQ(outcome_of(a_test({2, 4, 6, 8})), "passed");
  EXPECT_EQ(outcome_of(a_test({2, 4, 6, 8.00009})), "passed");
  EXPECT_THAT(outcome_of(a_test({2, 4, 6, 8.00011})),
              StartsWith("self_test 2: output 'y' differs"));
}

TEST(SelfTest, SaysWhichOutputDiffersMostWhereAndByHowMuch) {
  EXPECT_EQ(outcome_of(a_test({2, 4.5, 5, 8})),
            "self_test 2: output 'y' differs by 1 at [1, 0]: it is 6, and 5 is wanted; the "
            "tolerance is 0.0001.");
}

TEST(SelfTest, IsNotPassedByWhatIsNoNumber) {
  EXPECT_THAT(outcome_of(a_test({2, NAN, 6, 8})), HasSubstr("differs by inf at [0, 1]"));
}

TEST(SelfTest, NamesAnOutputThatIsMissingOrOfAnotherShape) {
  auto missing = a_test({2, 4, 6, 8});
  missing.outputs.front().name = "z";
  EXPECT_EQ(outcome_of(missing), "self_test 2: output 'z' is missing.");

  auto flat = a_test({2, 4, 6, 8});
  flat.outputs.front().shape = {4, 1};
  EXPECT_EQ(outcome_of(flat), "self_test 2: output 'y' has shape [2, 2], not [4, 1].");

  auto integers = a_test({2, 4, 6, 8});
  integers.outputs.front().datatype = "FP64";
  EXPECT_EQ(outcome_of(integers), "self_test 2: output 'y' is FP32, not FP64.");
}

TEST(SelfTest, ChecksItsInputsAsThoseOfAClient) {
  auto many = a_test({2, 4, 6, 8});
  many.inputs = {as_sent("x", {9, 1}, std::vector<double>(9, 1))};

  EXPECT_THAT(outcome_of(many), AllOf(StartsWith("self_test 2: "), HasSubstr("takes 1 to 8")));
}

/// Gives BYTES back.
class repeating_model : public model {
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    return std::vector<item_outputs>{batch.front().inputs};
  }
};

TEST(SelfTest, ComparesBytesExactly) {
  const auto text = [](const std::string& word) {
    proto::tensor made{"t", "BYTES", {1}, {}, {}};
    made.data.bytes = "\x91\xa2" + word;
    return made;
  };
  model_spec spec;
  spec.inputs.push_back({{"t", "BYTES", {1}}, "", 0});
  spec.outputs = spec.inputs;
  repeating_model instance;

  spec.self_tests = {{{text("ab")}, {text("ab")}, 0}};
  EXPECT_TRUE(run_self_tests(instance, spec));
  spec.self_tests = {{{text("ab")}, {text("ac")}, 0}};
  EXPECT_THAT(run_self_tests(instance, spec).error().message, HasSubstr("other bytes"));
}

TEST(SelfTest, PassesOnWhatTheModelSays) {
  class : public model {
    expected<std::vector<item_outputs>> run(std::span<const batch_item>) override {
      return fail(errc::model_error, "No.");
    }
  } instance;
  auto spec = a_spec();
  spec.self_tests = {a_test({2, 4, 6, 8})};

  EXPECT_EQ(run_self_tests(instance, spec).error().message, "self_test 1: No.");
}

}  // namespace

}  // namespace coppice::worker
