#include "worker/node/node_options.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace coppice::worker {

namespace {

expected<node_options> read(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("coppice-node-" + std::to_string(::getpid()) + ".yml");
  std::ofstream{file} << text;
  auto options = read_node_options(file);
  std::filesystem::remove(file);
  return options;
}

TEST(NodeOptions, GiveEachEngineItsCommand) {
  const auto options = read(
      "schedulers: [\"127.0.0.1:1\"]\nname: n\nengine_program: /e\n"
      "engines: [{device: cpu, threads: 2}]\nbuiltins: [echo]\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(engine_command(*options, 0, {{0, "", {}, {"echo"}}, ""}),
            (std::vector<std::string>{"/e", "--name", "n/engine-0", "--bind", "127.0.0.1",
                                      "--device", "cpu", "--sandbox", "auto", "--threads", "2",
                                      "--builtin", "echo"}));
}

TEST(NodeOptions, GiveTheSuccessorOfAnEngineItsDeviceAndAnotherName) {
  const auto options = read(
      "schedulers: [\"127.0.0.1:1\"]\nname: n\nengine_program: /e\nsandbox: \"off\"\n"
      "engines: [{device: cpu}, {device: cuda:1}]\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(
      engine_command(*options, 3, {{7, "/srv/models", {"digits:2"}, {}}, "/verified"}),
      (std::vector<std::string>{"/e", "--name", "n/engine-1b", "--bind", "127.0.0.1", "--device",
                                "cuda:1", "--models", "/verified", "--serve", "digits:2"}));
}

TEST(NodeOptions, FindTheFileOfRevisionsBesideTheConfiguration) {
  EXPECT_EQ(read("schedulers: [\"127.0.0.1:1\"]\n")->state, "");
  EXPECT_EQ(read("schedulers: [\"127.0.0.1:1\"]\nstate: n.state\n")->state,
            (std::filesystem::temp_directory_path() / "n.state").string());
  EXPECT_EQ(read("schedulers: [\"127.0.0.1:1\"]\nstate: /var/n.state\n")->state, "/var/n.state");
}

TEST(NodeOptions, RefuseToListenBeyondLoopbackUnlessTold) {
  EXPECT_FALSE(read("schedulers: [\"10.0.0.1:1\"]\nbind: 10.0.0.2\n"));
  EXPECT_TRUE(read("schedulers: [\"10.0.0.1:1\"]\nbind: 10.0.0.2\nmesh: {insecure: true}\n"));
}

TEST(NodeOptions, GiveEveryLoadSomeTime) {
  EXPECT_FALSE(read("schedulers: [\"127.0.0.1:1\"]\nload_limit_s: 0\n"));
  EXPECT_FALSE(read("schedulers: [\"127.0.0.1:1\"]\nload_mib_per_s: 0\n"));
}

TEST(NodeOptions, NameTheGroupOfAnEngine) {
  const auto options = read(
      "schedulers: [\"127.0.0.1:1\"]\nname: n\n"
      "engines: [{device: cpu}, {group: pair}, {group: pair}]\n");

  ASSERT_TRUE(options) << options.error().message;
  const auto roster = roster_of(*options);
  ASSERT_EQ(roster.size(), 3u);
  EXPECT_EQ(roster[0].group, "");
  EXPECT_EQ(roster[2].group, "pair");
  EXPECT_EQ(roster[2].name, "n/engine-2");
  EXPECT_FALSE(read("schedulers: [\"127.0.0.1:1\"]\nengines: [{grup: pair}]\n"));
}

TEST(NodeOptions, SayHowLongToWaitAndHowOftenToTry) {
  const auto options = read(
      "schedulers: [\"127.0.0.1:1\"]\nhang_after_ms: 5000\ndrain_s: 7\n"
      "load_limit_s: 8\nload_mib_per_s: 3\n"
      "restart: {intensity: 9, period_s: 10, probe_s: 20}\n");

  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->hang_after, 5s);
  EXPECT_EQ(options->drain, 7s);
  EXPECT_EQ(options->load_limit, 8s);
  EXPECT_EQ(options->load_mib_per_s, 3u);
  EXPECT_EQ(options->supervision.restart.intensity, 9u);
  EXPECT_EQ(options->supervision.restart.period, 10s);
  EXPECT_EQ(options->supervision.probe_every, 20s);
}

TEST(NodeOptions, NeedAScheduler) {
  EXPECT_NE(read("name: n\n").error().message.find("schedulers"), std::string::npos);
}

}  // namespace

}  // namespace coppice::worker
