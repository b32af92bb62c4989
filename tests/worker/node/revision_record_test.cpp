#include "worker/node/revision_record.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const proto::desired_state configured{0, "/srv/models", {}, {"echo"}};
const proto::desired_state five{5, "/srv/a \"b\": c", {"digits", "minilm:1"}, {}};

struct RevisionRecord : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("coppice-record-" + std::to_string(::getpid()));
  ~RevisionRecord() override { std::filesystem::remove(file); }
  expected<revision_record> read(const std::string& text) {
    std::ofstream{file} << text;
    return read_revision_record(file, "node-1", configured);
  }
};

TEST_F(RevisionRecord, ComesBackAsItWasKept) {
  const auto back =
      read(text_of({five, {6, "", {}, {"echo"}}, "n/engine-0b: \"no\"\n\x1b[1m"}, "node-1"));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->current, five);
  EXPECT_EQ(back->target, (proto::desired_state{6, "", {}, {"echo"}}));
  EXPECT_EQ(back->failure, "n/engine-0b: \"no\"\n\x1b[1m");
  EXPECT_EQ(back->convergence(), "failed");
}

TEST_F(RevisionRecord, IsTheConfigurationWhereThereIsNoFileYet) {
  const auto fresh = read_revision_record(file, "node-1", configured);

  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_EQ(fresh->current, configured);
  EXPECT_EQ(fresh->convergence(), "converged");
}

TEST_F(RevisionRecord, TakesRevision0FromTheConfigurationOfToday) {
  const auto back = read(text_of({{0, "/old", {}, {}}, five, ""}, "node-1"));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->current, configured);
  EXPECT_EQ(back->target, five);
  EXPECT_EQ(back->convergence(), "converging");
}

TEST_F(RevisionRecord, SaysWhatIsWrongWithAFileAndWhatToDo) {
  const auto wrong = [&](const std::string& text) { return read(text).error().message; };

  EXPECT_THAT(wrong("no yaml: ["), AllOf(StartsWith(file.string() + ":"), HasSubstr("remove it")));
  EXPECT_THAT(wrong("node: node-2\n"), HasSubstr(":1: this is the state of 'node-2'"));
  EXPECT_THAT(wrong("node: node-1\nmood: good\n"), HasSubstr(":2: unknown key 'mood'"));
  EXPECT_THAT(wrong("node: node-1\ncurrent: {revision: x}\n"),
              HasSubstr(":2: 'revision' must be a whole number"));
  EXPECT_THAT(wrong("node: node-1\ncurrent: {revision: 4}\ntarget: {revision: 3}\n"),
              HasSubstr("older"));
  EXPECT_THAT(wrong("# " + std::string(1u << 20, 'x')), HasSubstr("larger than"));
  EXPECT_THAT(wrong(""), EndsWith("what the configuration says."));
  EXPECT_EQ(read("").error().code, errc::invalid);
}

TEST_F(RevisionRecord, RefusesAFileThatCannotBeRead) {
  std::filesystem::create_directory(file);

  const auto refused = read_revision_record(file, "node-1", configured);

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("Restore the file"));
}

}  // namespace

}  // namespace coppice::worker
