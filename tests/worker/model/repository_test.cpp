#include "worker/model/repository.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace fs = std::filesystem;

namespace {

constexpr auto good = R"(inputs:
  - {name: x, datatype: FP32, shape: [8]}
outputs:
  - {name: y, datatype: FP32, shape: [2]}
batchable: true
max_batch: 16
max_delay_ms: 2.5
)";

/// A repository with one model `m`, its file there but empty.
struct Repository : ::testing::Test {
  fs::path folder = fs::temp_directory_path() / ("coppice-models-" + std::to_string(::getpid()));
  Repository() {
    fs::create_directories(folder / "m" / "1");
    std::ofstream{folder / "m" / "1" / "model.pt"};
  }
  ~Repository() override { fs::remove_all(folder); }
  repository read(const std::string& text) {
    std::ofstream{folder / "m" / "model.yml"} << text;
    return read_repository(folder);
  }
  /// "line: problem" of the first finding.
  std::string finding_of(const std::string& text) {
    const auto found = read(text);
    if (found.findings.empty()) return "nothing";
    EXPECT_FALSE(found.findings[0].remedy.empty());
    return std::to_string(found.findings[0].line) + ": " + found.findings[0].problem;
  }
};

TEST_F(Repository, ReadsAModelAndItsCard) {
  const auto found = read(good);

  ASSERT_EQ(found.specs.size(), 1u) << found.findings.size();
  EXPECT_EQ(found.specs[0].max_delay, 2500us);
  EXPECT_EQ(found.specs[0].card().capacity_rows, 32u);
  EXPECT_EQ(found.specs[0].backend, backend_kind::torchscript);
}

TEST_F(Repository, ReadsTheAgeAtWhichASecondAttemptMayBeSent) {
  EXPECT_EQ(read(good).specs.at(0).card().hedge_after_us, 0u);
  EXPECT_EQ(read(std::string{good} + "hedge_after_ms: 1.5\n").specs.at(0).card().hedge_after_us,
            1500u);
  EXPECT_EQ(read(std::string{good} + "hedge_after_ms: 60000\n").specs.size(), 1u);
  EXPECT_THAT(finding_of(std::string{good} + "hedge_after_ms: 60000.1\n"),
              testing::StartsWith("8: 'hedge_after_ms' is no number from 0"));
  EXPECT_THAT(finding_of(std::string{good} + "hedge_after_ms: -1\n"),
              testing::StartsWith("8: 'hedge_after_ms' is no number from 0"));
}

TEST_F(Repository, ReadsAModelThatStreams) {
  const std::string streams = "backend: builtin\nbuiltin: count\n";

  const auto card = read(streams + "sequences: 64\n").specs.at(0).card();

  EXPECT_TRUE(card.streams);
  EXPECT_EQ(card.capacity_rows, 64u);
  EXPECT_EQ(card.inputs, (std::vector<proto::tensor_spec>{{"tokens", "INT32", {-1}}}));
  EXPECT_EQ(card.outputs, card.inputs);
  EXPECT_FALSE(card.any_inputs);
  EXPECT_FALSE(card.batchable);
  EXPECT_EQ(finding_of(streams + "sequences: 65\n"), "3: 'sequences' is no number from 1 to 64.");
  EXPECT_EQ(finding_of(streams + "sequences: 0\n"), "3: 'sequences' is no number from 1 to 64.");
  EXPECT_EQ(finding_of(streams + "instances: 2\n"),
            "3: 'instances' does not fit a model that streams tokens.");
  EXPECT_EQ(finding_of(std::string{good} + "sequences: 2\n"),
            "8: 'sequences' is for models that stream tokens.");
}

TEST_F(Repository, NamesTheLineOfEachMistake) {
  EXPECT_EQ(finding_of(std::string{good} + "maxbatch: 3\n"), "8: unknown key 'maxbatch'.");
  EXPECT_EQ(finding_of(std::string{good} + "instances: 0\n"),
            "8: 'instances' is no number from 1 to 64.");
  EXPECT_EQ(finding_of(std::string{good} + "policy: fast\n"), "8: 'policy' is 'fast'.");
  EXPECT_EQ(finding_of(std::string{good} + "padding: buckets\n"),
            "8: padding: buckets without 'buckets'.");
}

TEST_F(Repository, RefusesUnknownDatatypesAndWrongShapes) {
  EXPECT_EQ(finding_of("inputs:\n  - {name: x, datatype: FP8, shape: [8]}\n"
                       "outputs:\n  - {name: y, datatype: FP32, shape: [2]}\n"),
            "2: unknown datatype 'FP8'.");
  EXPECT_EQ(finding_of("inputs:\n  - {name: x, datatype: FP32, shape: [-2]}\n"
                       "outputs:\n  - {name: y, datatype: FP32, shape: [2]}\n"),
            "2: a dimension must be -1 or a whole number from 0.");
}

TEST_F(Repository, SaysThatAFileOrAVersionIsMissing) {
  fs::remove(folder / "m" / "1" / "model.pt");
  EXPECT_EQ(finding_of(good), "0: there is neither model.pt nor model.pt2.");
  fs::remove(folder / "m" / "1");
  EXPECT_EQ(finding_of(good), "0: the model has no version.");
}

TEST_F(Repository, ReadsBuiltInModelsUnderAnyName) {
  const auto found = read("backend: builtin\nbuiltin: sleep\ninstances: 8\n");

  ASSERT_EQ(found.specs.size(), 1u);
  EXPECT_EQ(found.specs[0].name, "m");
  EXPECT_EQ(found.specs[0].builtin, "sleep");
}

TEST_F(Repository, TakesAModelsTimeAsSteadyUnlessItSaysOtherwise) {
  EXPECT_TRUE(read(good).specs.at(0).steady);
  EXPECT_FALSE(read(std::string{good} + "steady: false\n").specs.at(0).steady);
  EXPECT_FALSE(read("backend: builtin\nbuiltin: sleep\n").specs.at(0).steady);
}

TEST_F(Repository, ProposesTheKeyThatWasMeant) {
  EXPECT_EQ(read(std::string{good} + "instance: 2\n").findings.at(0).remedy,
            "Did you mean 'instances'?");
}

TEST_F(Repository, RefusesAKeyThatStandsThereTwice) {
  EXPECT_EQ(finding_of(std::string{good} + "batchable: false\n"),
            "8: the key 'batchable' stands there twice.");
}

TEST_F(Repository, ChecksWarmUpAgainstTheInputs) {
  EXPECT_EQ(finding_of(std::string{good} + "warm_up: {shape: {z: [1]}}\n"),
            "8: warm_up names 'z', which is no input.");
  EXPECT_EQ(finding_of(std::string{good} + "warm_up: {shape: {x: [4]}}\n"),
            "8: 'x' has 0 dimensions of -1; warm_up gives 1 sizes.");
  EXPECT_EQ(finding_of(std::string{good} + "warm_up: {row: 1}\n"),
            "8: unknown key 'row' of warm_up.");
}

TEST_F(Repository, RefusesAPadValueThatIsNoNumber) {
  EXPECT_EQ(finding_of("inputs:\n  - {name: x, datatype: FP32, shape: [-1], pad_value: none}\n"
                       "outputs:\n  - {name: y, datatype: FP32, shape: [2]}\n"),
            "2: 'pad_value' is no number.");
}

TEST_F(Repository, MissesTheModelYmlOfAFolderWithVersions) {
  EXPECT_EQ(read_repository(folder).findings.at(0).problem, "the file is missing.");
}

TEST_F(Repository, KeepsTheTorchVersionOfAPackage) {
  EXPECT_EQ(read(std::string{good} + "torch_version: 2.13.0\n").specs.at(0).torch_version,
            "2.13.0");
}

TEST_F(Repository, SurvivesAFolderInThePlaceOfAFile) {
  fs::create_directories(folder / "m" / "model.yml");
  EXPECT_FALSE(read_repository(folder).findings.empty());
}

TEST_F(Repository, SurvivesWhatIsNotYaml) {
  EXPECT_NE(finding_of("a: [\n"), "nothing");
  EXPECT_NE(finding_of("just text"), "nothing");
  EXPECT_NE(finding_of("inputs: 3\noutputs: {}\n"), "nothing");
}

}  // namespace

}  // namespace coppice::worker
