#include "client/cli/cluster.hpp"

#include "client/cli/verbs.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace coppice::cli {

namespace {

using ::testing::HasSubstr;

struct ClusterChoice : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-choice-" + std::to_string(::getpid()));
  cluster_choice choice;
  ~ClusterChoice() override { std::filesystem::remove(file); }

  void ready_file_says(const std::string& text) {
    std::ofstream{file} << text;
    choice.ready_file = file;
  }
};

TEST_F(ClusterChoice, ReadsGatewaysAndDoorFromTheReadyFile) {
  ready_file_says(R"({"gateways": ["tcp://a:1", "tcp://b:2"], "operator": "ipc:///x"})");

  ASSERT_TRUE(choice.resolve());
  EXPECT_EQ(choice.endpoints, (std::vector<std::string>{"tcp://a:1", "tcp://b:2"}));
  EXPECT_EQ(choice.operator_door, "ipc:///x");
}

TEST_F(ClusterChoice, AnEndpointThatIsNamedGoesBeforeTheFile) {
  ready_file_says(R"({"gateways": ["tcp://a:1"]})");
  choice.endpoints = {"tcp://c:3"};

  ASSERT_TRUE(choice.resolve());
  EXPECT_EQ(choice.endpoints, std::vector<std::string>{"tcp://c:3"});
}

TEST_F(ClusterChoice, SaysWhatToNameWhenNothingIs) {
  EXPECT_THAT(choice.resolve().error().message, HasSubstr("--endpoint"));
}

TEST_F(ClusterChoice, SaysThatTheFileIsMissingOrNoReadyFile) {
  choice.ready_file = "/nowhere/ready.json";
  EXPECT_THAT(choice.resolve().error().message, HasSubstr("Is the cluster up?"));
  for (const auto* text : {"not json", "{}", R"({"gateways": 7})"}) {
    ready_file_says(text);
    EXPECT_THAT(choice.resolve().error().message, HasSubstr("no ready file")) << text;
  }
}

TEST(AskOperator, SaysWhichDoorDoesNotAnswer) {
  const auto status = ask_operator("ipc:///nowhere/door", 20ms);

  EXPECT_EQ(status.error().code, errc::unavailable);
  EXPECT_THAT(status.error().message, HasSubstr("ipc:///nowhere/door"));
}

TEST(Report, GivesTheExitCodeOfTheError) {
  EXPECT_EQ(report({errc::unavailable, "x", 0}), exit_unreachable);
  EXPECT_EQ(report({errc::deadline, "x", 0}), exit_unreachable);
  EXPECT_EQ(report({errc::not_found, "x", 0}), exit_refused);
}

}  // namespace

}  // namespace coppice::cli
