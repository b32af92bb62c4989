#include "worker/node/node_beginning.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

using ::testing::HasSubstr;

struct NodeBeginning : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-beginning-" + std::to_string(::getpid()));
  node_options options = [] {
    node_options made;
    made.name = "node-1";
    made.builtins = {"echo"};
    return made;
  }();
  ~NodeBeginning() override { std::filesystem::remove(file); }
};

TEST_F(NodeBeginning, IsTheConfigurationOfANodeThatKeepsNothing) {
  const auto from = find_beginning(options);

  ASSERT_TRUE(from) << from.error().message;
  EXPECT_EQ(from->record.current, (proto::desired_state{0, "", {}, {"echo"}}));
  EXPECT_EQ(from->models->desired, from->record.current);
}

TEST_F(NodeBeginning, IsTheRevisionThatWasReachedAndNotTheOneOnItsWay) {
  const proto::desired_state four{4, "/srv/models", {}, {}}, five{5, "/srv/next", {}, {}};
  std::ofstream{file} << text_of({four, five, ""}, "node-1");
  options.state = file;

  const auto from = find_beginning(options);

  ASSERT_TRUE(from) << from.error().message;
  EXPECT_EQ(from->models->desired, four);
  EXPECT_EQ(from->record.convergence(), "converging");
}

TEST_F(NodeBeginning, IsRefusedIfTheFileIsAnotherNodes) {
  std::ofstream{file} << text_of({{}, {}, ""}, "node-2");
  options.state = file;

  const auto refused = find_beginning(options);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid);
  EXPECT_THAT(refused.error().message, HasSubstr("remove it"));
}

}  // namespace

}  // namespace coppice::worker
