#include "worker/model/self_test_file.hpp"

#include "worker/model/model_file.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

using ::testing::ElementsAre;

constexpr auto two_tensors = R"(inputs:
  - {name: x, datatype: INT8, shape: [2]}
outputs:
  - {name: y, datatype: FP32, shape: [-1]}
batchable: true
max_batch: 4
)";

struct SelfTestFile : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-model-" + std::to_string(::getpid()));
  std::vector<finding> findings;
  ~SelfTestFile() override { std::filesystem::remove(file); }

  std::optional<model_spec> read(const std::string& tests, const std::string& model = two_tensors) {
    findings.clear();
    std::ofstream{file} << model << tests;
    return read_model_file(file, "m", findings);
  }
  /// "line: problem" of the first finding.
  std::string wrong(const std::string& tests, const std::string& model = two_tensors) {
    if (read(tests, model)) return "nothing";
    EXPECT_FALSE(findings[0].remedy.empty());
    return std::to_string(findings[0].line) + ": " + findings[0].problem;
  }
};

TEST_F(SelfTestFile, ReadsNestedListsAsTensors) {
  const auto spec = read(
      "self_test:\n"
      "  - {inputs: {x: [[1, -2], [3, 4]]}, outputs: {y: [[0.5], [.inf]]}, tolerance: 0.01}\n"
      "  - {inputs: {x: [[0, 0]]}, outputs: {y: [[1, 2, 3]]}}\n");

  ASSERT_TRUE(spec);
  ASSERT_EQ(spec->self_tests.size(), 2u);
  const auto& first = spec->self_tests[0];
  EXPECT_THAT(first.inputs[0].shape, ElementsAre(2, 2));
  EXPECT_EQ(first.inputs[0].datatype, "INT8");
  EXPECT_EQ(first.inputs[0].data.bytes, "\x94\x01\xfe\x03\x04");
  EXPECT_THAT(first.outputs[0].shape, ElementsAre(2, 1));
  EXPECT_EQ(first.tolerance, 0.01);
  EXPECT_EQ(spec->self_tests[1].tolerance, 1e-4);
}

TEST_F(SelfTestFile, ReadsTextAndBooleans) {
  const auto spec =
      read("self_test: [{inputs: {t: [ab, \"1\"], b: true}, outputs: {t: [\"\", c]}}]\n",
           "inputs:\n  - {name: t, datatype: BYTES, shape: [2]}\n"
           "  - {name: b, datatype: BOOL, shape: []}\n"
           "outputs:\n  - {name: t, datatype: BYTES, shape: [2]}\n");

  ASSERT_TRUE(spec) << findings.at(0).problem;
  const auto& test = spec->self_tests.at(0);
  EXPECT_EQ(test.inputs[0].data.bytes,
            "\x92\xa2"
            "ab\xa1"
            "1");
  EXPECT_EQ(test.inputs[1].data.bytes, "\x91\xc3");
  EXPECT_TRUE(test.inputs[1].shape.empty());
}

TEST_F(SelfTestFile, HoldsNumbersToTheirDatatype) {
  const auto with = [&](const std::string& value) {
    return wrong("self_test: [{inputs: {x: [[" + value + ", 0]]}, outputs: {y: [[0]]}}]\n");
  };
  EXPECT_EQ(with("127"), "nothing");
  EXPECT_EQ(with("-128"), "nothing");
  for (const auto* value : {"128", "-129", "1.5", "one", "[1]", ""})
    EXPECT_EQ(with(value).substr(0, 3), "7: ") << value;
  EXPECT_EQ(with("128"), "7: this is no INT8.");
}

TEST_F(SelfTestFile, SaysWhatIsWrongAndWhere) {
  const auto one = [&](const std::string& test) { return wrong("self_test:\n  - " + test + "\n"); };

  EXPECT_EQ(one("{inputs: {x: [[1, 2]]}}"), "8: a self-test needs inputs and outputs.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2]]}, outputs: {y: [[1]]}, tolerence: 1}"),
            "8: unknown key 'tolerence' of a self-test.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2]]}, outputs: {y: [[1]]}, tolerance: -1}").substr(0, 28),
            "8: 'tolerance' is no number ");
  EXPECT_EQ(one("{inputs: {z: [[1, 2]]}, outputs: {y: [[1]]}}"), "8: 'z' is none of the model's.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2]], x: [[1, 2]]}, outputs: {y: [[1]]}}"),
            "8: 'x' stands there twice.");
  EXPECT_EQ(one("{inputs: {x: [1, 2]}, outputs: {y: [[1]]}}"),
            "8: 'x' has another shape than the model says.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2, 3]]}, outputs: {y: [[1]]}}"),
            "8: 'x' has another shape than the model says.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2], [3]]}, outputs: {y: [[1]]}}"),
            "8: the lists of a tensor are not equally long.");
  EXPECT_EQ(one("{inputs: {x: [[1, 2]]}, outputs: {}}"),
            "8: tensors of a self-test must be a map that is not empty.");
  EXPECT_EQ(wrong("self_test: {x: 1}\n"), "7: 'self_test' must be a list of at most 16 tests.");
}

TEST_F(SelfTestFile, NeedsEveryInput) {
  EXPECT_EQ(wrong("self_test: [{inputs: {x: [1]}, outputs: {y: [1]}}]\n",
                  "inputs:\n  - {name: x, datatype: INT8, shape: [1]}\n"
                  "  - {name: z, datatype: INT8, shape: [1]}\n"
                  "outputs:\n  - {name: y, datatype: FP32, shape: [1]}\n"),
            "6: a self-test must give every input.");
}

TEST_F(SelfTestFile, IsForModelsThatSayWhatGoesInAndOut) {
  EXPECT_EQ(wrong("self_test: [{inputs: {x: [1]}, outputs: {x: [1]}}]\n",
                  "backend: builtin\nbuiltin: echo\n"),
            "3: 'self_test' needs to know the model's inputs and outputs.");
  EXPECT_EQ(wrong("self_test: [{inputs: {tokens: [1]}, outputs: {tokens: [1]}}]\n",
                  "backend: builtin\nbuiltin: count\n"),
            "3: 'self_test' does not fit a model that streams tokens.");
}

TEST_F(SelfTestFile, BoundsWhatItReads) {
  std::string row = "[";
  for (int i = 0; i < 65'537; ++i) row += "0,";
  EXPECT_EQ(wrong("self_test: [{inputs: {x: [[1, 2]]}, outputs: {y: [" + row + "]]}}]\n"),
            "7: a tensor of a self-test is too large.");
  std::string many = "self_test:\n";
  for (int i = 0; i < 17; ++i) many += "  - {inputs: {x: [[1, 2]]}, outputs: {y: [[1]]}}\n";
  EXPECT_EQ(wrong(many).substr(0, 2), "8:");
}

}  // namespace

}  // namespace coppice::worker
