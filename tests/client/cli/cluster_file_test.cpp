#include "client/cli/cluster_file.hpp"

#include "proto/limits.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::cli {

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto good = R"(revision: 7
default: {models: /srv/models}
nodes:
  node-1: {models: /srv/models, serve: [digits, "minilm:1"], builtins: [echo]}
  node-2: {builtins: [echo]}
)";

struct ClusterFile : ::testing::Test {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("coppice-cluster-" + std::to_string(::getpid()) + ".yml");
  ~ClusterFile() override { std::filesystem::remove(path); }
  expected<cluster_file> read(const std::string& text) {
    std::ofstream{path} << text;
    return read_cluster_file(path);
  }
  std::string wrong(const std::string& text) {
    const auto file = read(text);
    return file ? "nothing" : file.error().message;
  }
};

TEST_F(ClusterFile, SaysWhatEachNodeIsToServe) {
  const auto file = read(good);

  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->revision, 7u);
  EXPECT_EQ(file->nodes.at("node-1"),
            (proto::desired_state{7, "/srv/models", {"digits", "minilm:1"}, {"echo"}}));
  EXPECT_EQ(file->others, (proto::desired_state{7, "/srv/models", {}, {}}));
}

TEST_F(ClusterFile, NeedsARevisionFrom1) {
  for (const auto* revision : {"", "revision: 0\n", "revision: -1\n", "revision: 1.5\n",
                               "revision: new\n", "revision: [1]\n"})
    EXPECT_THAT(wrong(std::string{revision} + "default: {builtins: [echo]}\n"),
                HasSubstr("'revision' must be a whole number from 1"))
        << revision;
}

TEST_F(ClusterFile, SaysWhatIsWrongWhereAndWhatToDo) {
  const std::string first = "revision: 7\n";

  EXPECT_THAT(wrong(first), HasSubstr("give it 'nodes' or 'default'"));
  EXPECT_THAT(wrong(first + "node: {}\n"), HasSubstr("give it 'nodes' or 'default'"));
  EXPECT_THAT(
      wrong(first + "default: {builtins: [echo]}\nnode: {}\n"),
      AllOf(HasSubstr(".yml:3: unknown key 'node'"), HasSubstr("default, nodes, revision")));
  EXPECT_THAT(wrong(first + "nodes: [node-1]\n"), HasSubstr(":2: 'nodes' must be a map"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1: {model: /m}\n"),
              HasSubstr(":3: unknown key 'model'"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1: {models: m}\n"),
              HasSubstr(":3: 'models' must be an absolute"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1: {}\n"),
              HasSubstr(":3: a node must serve something"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1:\n"), HasSubstr(":3: 'node-1' must be a map"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1: {builtins: [echo], serve: [m]}\n"),
              HasSubstr("there is no 'models'"));
  EXPECT_THAT(wrong(first + "nodes:\n  node-1: {builtins: echo}\n"),
              HasSubstr("'builtins' must be a list"));
  EXPECT_THAT(wrong(first + "nodes:\n  a/b: {builtins: [echo]}\n"), HasSubstr(":3: a node's name"));
  EXPECT_THAT(wrong(first + "nodes:\n  a: {builtins: [echo]}\n  a: {builtins: [flip]}\n"),
              HasSubstr("stands there twice"));
  EXPECT_THAT(read_cluster_file("/nowhere/cluster.yml").error().message,
              HasSubstr("cannot be read"));
}

TEST_F(ClusterFile, BoundsWhatItReads) {
  std::string nodes = "revision: 7\nnodes:\n";
  for (std::size_t i = 0; i < cluster_file::most_nodes; ++i)
    nodes += "  n" + std::to_string(i) + ": {builtins: [echo]}\n";
  EXPECT_EQ(wrong(nodes), "nothing");
  EXPECT_THAT(wrong(nodes + "  more: {builtins: [echo]}\n"), HasSubstr("more than 4096 nodes"));

  const std::string one = "revision: 7\nnodes: {a: {models: /m, serve: [";
  EXPECT_THAT(wrong(one + std::string(proto::max_desired_bytes, 'x') + "]}}\n"),
              HasSubstr("more than 16384 bytes"));
  EXPECT_THAT(wrong("# " + std::string(cluster_file::most_bytes, 'x') + "\n"), HasSubstr("larger"));
}

TEST_F(ClusterFile, MeansTheDefaultForNodesThatItDoesNotName) {
  const auto plan = plan_for(*read(good), {{"node-1", "node-3"}, {}});

  ASSERT_EQ(plan.nodes.size(), 2u);
  EXPECT_EQ(plan.nodes.at("node-1").builtins, std::vector<std::string>{"echo"});
  EXPECT_TRUE(plan.nodes.at("node-3").builtins.empty());
  EXPECT_THAT(plan.absent, ElementsAre("node-2"));
  EXPECT_TRUE(plan.untouched.empty());
}

TEST_F(ClusterFile, LeavesNodesAloneOfWhichItDoesNotSpeak) {
  const auto file = read("revision: 7\nnodes: {node-1: {builtins: [echo]}}\n");

  const auto plan = plan_for(*file, {{"node-1", "node-3"}, {"node-4"}});

  EXPECT_EQ(plan.nodes.size(), 1u);
  EXPECT_THAT(plan.untouched, ElementsAre("node-3"));
  EXPECT_TRUE(plan.absent.empty());
}

TEST_F(ClusterFile, NamesDeadNodesOfWhichItSpeaks) {
  EXPECT_THAT(plan_for(*read(good), {{"node-1"}, {"node-2", "node-9"}}).absent,
              ElementsAre("node-2", "node-9"));
}

}  // namespace

}  // namespace coppice::cli
