#include "client/cli/node_difference.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace coppice::cli {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const proto::desired_state four{4, "/srv/models", {"digits", "minilm:1"}, {"echo"}};
const proto::desired_state five{5, "/srv/models", {"digits", "silero-vad"}, {"echo"}};

proto::apply_status a_node(const std::string& convergence = "converged") {
  return {"node-1", four, four, convergence, "", "", {}};
}

TEST(NodeDifference, NamesWhatIsAddedAndRemoved) {
  const auto found = difference(a_node(), five);

  EXPECT_FALSE(found.is_none());
  EXPECT_THAT(found.added, ElementsAre("silero-vad"));
  EXPECT_THAT(found.removed, ElementsAre("minilm:1"));
  EXPECT_EQ(as_text(found), "node-1  revision 4 -> 5\n  - minilm:1\n  + silero-vad\n");
}

TEST(NodeDifference, IsNoneForANodeThatHasItOrIsOnItsWay) {
  EXPECT_TRUE(difference(a_node(), four).is_none());
  auto on_its_way = a_node("converging");
  on_its_way.target = five;

  EXPECT_TRUE(difference(on_its_way, five).is_none());
  EXPECT_EQ(as_text(difference(on_its_way, five)), "node-1  revision 5, no difference\n");
}

TEST(NodeDifference, IsARaisedRevisionAlsoWithTheSameContent) {
  auto raised = four;
  raised.revision = 5;

  const auto found = difference(a_node(), raised);

  EXPECT_FALSE(found.is_none());
  EXPECT_THAT(found.added, IsEmpty());
}

TEST(NodeDifference, ShowsAnotherFolderAndThatAllOfItIsServed) {
  const auto found = difference(a_node(), {5, "/srv/next", {}, {}});

  EXPECT_THAT(found.added, ElementsAre("all of /srv/next"));
  EXPECT_THAT(found.removed, ElementsAre("digits", "echo", "minilm:1"));
  EXPECT_THAT(as_text(found), HasSubstr("  models /srv/models -> /srv/next\n"));
}

TEST(NodeDifference, SaysWhyANodeWouldNotTakeIt) {
  auto node = a_node();
  node.refusal = "It is older.";

  const auto found = difference(node, {3, "/srv/models", {"digits", "minilm:1"}, {"echo"}});

  EXPECT_FALSE(found.is_none());
  EXPECT_THAT(as_text(found), HasSubstr("  ! It is older.\n"));
}

TEST(NodeDifference, ComparesAFailedNodeWithWhatItKeeps) {
  auto node = a_node("failed");
  node.target = five;
  node.convergence_reason = "self_test 1 failed";

  const auto found = difference(node, five);

  EXPECT_EQ(found.revision, 4u);
  EXPECT_THAT(found.added, ElementsAre("silero-vad"));
  EXPECT_THAT(found.refusal, HasSubstr("Raise 'revision'"));
  auto six = five;
  six.revision = 6;
  EXPECT_EQ(difference(node, six).refusal, "");
}

TEST(NodeDifference, IsTheSameAsJson) {
  const auto out = as_json(difference(a_node(), five));

  EXPECT_EQ(out["name"], "node-1");
  EXPECT_EQ(out["revision"], 4);
  EXPECT_EQ(out["target"], 5);
  EXPECT_EQ(out["differs"], true);
  EXPECT_EQ(out["added"][0], "silero-vad");
}

}  // namespace

}  // namespace coppice::cli
